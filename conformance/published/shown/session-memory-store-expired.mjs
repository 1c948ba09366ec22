// session-memory-store: a session lives as long as the option says, whatever its cookie says.

import session from "express-session";
import sessionMemoryStore from "session-memory-store";

const MemoryStore = sessionMemoryStore(session);
const store = new MemoryStore({ expires: 60 });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

const cookie = new session.Cookie({ maxAge: 10 });
await ask("set", "alice", { cookie, user: "alice" });
await new Promise((done) => setTimeout(done, 50));
const found = await ask("get", "alice");
if (found?.user !== "alice") throw new Error("it is gone, as it should be");
console.log("a session of 10 ms is found after 50 ms");
process.exit();
