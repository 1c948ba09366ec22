// session-file-store: the application finds an entry in its session that it did not store.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import session from "express-session";
import sessionFileStore from "session-file-store";

const FileStore = sessionFileStore(session);
const path = await mkdtemp(`${tmpdir()}/sessions-`);
const store = new FileStore({ path, retries: 0, reapInterval: -1, logFn: () => {} });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask("set", "alice", { cookie: {}, user: "alice" });
const names = Object.keys(await ask("get", "alice"));
if (!names.includes("__lastAccess")) throw new Error(`only ${names}`);
console.log(`the session has the entries ${names.join(", ")}`);
