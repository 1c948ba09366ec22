// nedb-session-store: an entry `__proto__`, as JSON can have it, is not kept.

import session from "express-session";
import nedbSessionStore from "nedb-session-store";

const NedbStore = nedbSessionStore(session);
const store = new NedbStore({ inMemoryOnly: true });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

const data = JSON.parse('{"cookie": {}, "value": {"a": 1, "__proto__": {"x": 1}}}');
await ask("set", "alice", data);
const found = Object.keys((await ask("get", "alice")).value);
if (!Object.keys(data.value).includes("__proto__") || found.includes("__proto__")) throw new Error(`${found}`);
console.log(`stored: ${Object.keys(data.value).join(", ")}; found: ${found.join(", ")}`);
