// session-file-store: a key with a slash or dots leads to the file of another key, or out of the directory of the sessions.

import { access, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import session from "express-session";
import sessionFileStore from "session-file-store";

const FileStore = sessionFileStore(session);
const place = await mkdtemp(`${tmpdir()}/sessions-`);
const store = new FileStore({ path: `${place}/sessions`, retries: 0, reapInterval: -1, logFn: () => {} });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask("set", "alice", { cookie: {}, user: "alice" });
const found = await ask("get", "/alice");
await writeFile(`${place}/other.json`, "{}");
await ask("destroy", "../other");
const left = await access(`${place}/other.json`).then(() => true, () => false);
if (found?.user !== "alice" || left) throw new Error(JSON.stringify({ found, left }));
console.log(`the key "/alice" finds alice's session; to destroy "../other" deletes a file beside the directory`);
