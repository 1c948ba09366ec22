// connect-lowdb: a list of all sessions has pairs of key and session, where its types say that it has sessions.

import connectLowdb from "connect-lowdb";
import session from "express-session";
import { Low, Memory } from "lowdb";

const LowdbStore = connectLowdb(session);
const store = new LowdbStore({ db: new Low(new Memory(), { sessions: [] }) });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask("set", "alice", { cookie: {}, user: "alice" });
const [listed] = await ask("all");
if (listed.user === "alice" || listed.session?.user !== "alice") throw new Error(JSON.stringify(listed));
console.log(`all gives objects of ${Object.keys(listed).join(" and ")}`);
