// connect-loki: a session is there after the end that its cookie says.

import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import connectLoki from "connect-loki";
import session from "express-session";

const LokiStore = connectLoki(session);
const store = new LokiStore({ path: `${await mkdtemp(`${tmpdir()}/loki-`)}/sessions.db`, autosave: false });
await once(store, "connect");
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

const yesterday = new Date(Date.now() - 86400_000);
await ask("set", "alice", { cookie: { expires: yesterday }, user: "alice" });
const found = await ask("get", "alice");
if (found?.user !== "alice") throw new Error("it is gone, as it should be");
console.log("a session that ended yesterday is found today");
process.exit();
