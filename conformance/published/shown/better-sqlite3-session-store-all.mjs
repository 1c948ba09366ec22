// better-sqlite3-session-store: a list of all sessions has rows of the table, with the session as text.

import sqlite from "better-sqlite3";
import betterSqlite3SessionStore from "better-sqlite3-session-store";
import session from "express-session";

const SqliteStore = betterSqlite3SessionStore(session);
const store = new SqliteStore({ client: sqlite(":memory:") });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask("set", "alice", { cookie: new session.Cookie({ maxAge: 60_000 }), user: "alice" });
const [listed] = await ask("all");
if (listed.user === "alice" || typeof listed.sess !== "string") throw new Error(JSON.stringify(listed));
console.log(`get gives the session, all a row: ${Object.keys(listed).join(", ")}`);
process.exit();
