// memorystore: at the very instant of its end a session is still there; a millisecond later it is not.

import session from "express-session";
import memorystore from "memorystore";

let now = Date.now();
Date.now = () => now;
const MemoryStore = memorystore(session);
const store = new MemoryStore({ ttl: 1000 });
const has = () => new Promise((done) => store.get("alice", (_, found) => done(Boolean(found))));

await new Promise((done) => store.set("alice", { cookie: {}, user: "alice" }, done));
now += 1000;
const at = await has();
now += 1;
const after = await has();
if (!at || after) throw new Error(`at: ${at}, after: ${after}`);
console.log("at its end: found; a millisecond later: not found");
