// connect-lowdb: a session is there after its end.

import connectLowdb from "connect-lowdb";
import session from "express-session";
import { Low, Memory } from "lowdb";

const LowdbStore = connectLowdb(session);
const store = new LowdbStore({ db: new Low(new Memory(), { sessions: [] }) });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

const yesterday = new Date(Date.now() - 86400_000);
await ask("set", "alice", { cookie: { expires: yesterday }, user: "alice" });
const found = await ask("get", "alice");
if (found?.user !== "alice") throw new Error("it is gone, as it should be");
console.log("a session that ended yesterday is found today");
