// connect-sqlite3: at the very instant of its end a session is still there; a millisecond later it is not.

import { once } from "node:events";
import connectSqlite3 from "connect-sqlite3";
import session from "express-session";

let now = Date.now();
globalThis.Date = class extends Date {
  getTime = () => now;
};
const SQLiteStore = connectSqlite3(session);
const store = new SQLiteStore({ db: ":memory:" });
await once(store.client, "connect");
const has = () => new Promise((done) => store.get("alice", (_, found) => done(Boolean(found))));

await new Promise((done) => store.set("alice", { cookie: { maxAge: 1000 }, user: "alice" }, done));
now += 1000;
const at = await has();
now += 1;
const after = await has();
if (!at || after) throw new Error(`at: ${at}, after: ${after}`);
console.log("at its end: found; a millisecond later: not found");
