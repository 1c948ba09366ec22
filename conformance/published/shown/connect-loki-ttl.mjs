// connect-loki: with a `ttl` of a second, a session is found after three.

import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setTimeout } from "node:timers/promises";
import connectLoki from "connect-loki";
import session from "express-session";

const LokiStore = connectLoki(session);
const path = `${await mkdtemp(`${tmpdir()}/loki-`)}/sessions.db`;
const store = new LokiStore({ path, autosave: false, ttl: 1 });
await once(store, "connect");
await new Promise((done) => store.set("alice", { cookie: {}, user: "alice" }, done));
await setTimeout(3000);
const found = await new Promise((done) => store.get("alice", (_, found) => done(found)));
if (!found) throw new Error("it is gone, as it should be");
console.log(`after 3 s it is found; LokiJS was told ${JSON.stringify(store.collection.ttl)}`);
process.exit();
