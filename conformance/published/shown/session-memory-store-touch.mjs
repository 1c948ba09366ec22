// session-memory-store: a request that ends after the visitor has logged out touches his session, and so stores it again.

import session from "express-session";
import sessionMemoryStore from "session-memory-store";

const MemoryStore = sessionMemoryStore(session);
const store = new MemoryStore();
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

const cookie = new session.Cookie({ maxAge: 60_000 });
await ask("set", "alice", { cookie, user: "alice" });
const begun = await ask("get", "alice"); // the request that ends late
await ask("destroy", "alice");
const gone = await ask("get", "alice");
await ask("touch", "alice", { ...begun, cookie });
const back = await ask("get", "alice");
if (gone || back?.user !== "alice") throw new Error(JSON.stringify({ gone, back }));
console.log("alice's session is gone after it was destroyed, and there after another request has touched it");
process.exit();
