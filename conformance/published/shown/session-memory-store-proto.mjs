// session-memory-store: an entry `__proto__`, as JSON can have it, is not kept.

import session from "express-session";
import sessionMemoryStore from "session-memory-store";

const MemoryStore = sessionMemoryStore(session);
const store = new MemoryStore();
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

const data = JSON.parse('{"cookie": {}, "a": 1, "__proto__": 2}');
await ask("set", "alice", data);
const found = Object.keys(await ask("get", "alice"));
if (!Object.keys(data).includes("__proto__") || found.includes("__proto__")) throw new Error(`${found}`);
console.log(`stored: ${Object.keys(data).join(", ")}; found: ${found.join(", ")}`);
process.exit();
