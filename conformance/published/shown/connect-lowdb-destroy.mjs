// connect-lowdb: to destroy a session that is not there destroys the one that was stored last.

import connectLowdb from "connect-lowdb";
import session from "express-session";
import { Low, Memory } from "lowdb";

const LowdbStore = connectLowdb(session);
const store = new LowdbStore({ db: new Low(new Memory(), { sessions: [] }) });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask("set", "alice", { cookie: {}, user: "alice" });
await ask("destroy", "nobody");
const found = await ask("get", "alice");
if (found) throw new Error("alice is still there");
console.log("alice's session is gone after the session of nobody was destroyed");
