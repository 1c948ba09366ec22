// session-memory-store: the number of sessions is always 0.

import session from "express-session";
import sessionMemoryStore from "session-memory-store";

const MemoryStore = sessionMemoryStore(session);
const store = new MemoryStore();
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask("set", "alice", { cookie: new session.Cookie({ maxAge: 60_000 }), user: "alice" });
const [all, length] = [await ask("all"), await ask("length")];
if (all.length !== 1 || length !== 0) throw new Error(JSON.stringify({ all, length }));
console.log(`all gives ${all.length} session, length says ${length}`);
process.exit();
