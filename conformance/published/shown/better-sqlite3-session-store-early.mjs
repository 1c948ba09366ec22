// better-sqlite3-session-store: a session is gone in the whole second of its end, before the end.

import { setTimeout } from "node:timers/promises";
import sqlite from "better-sqlite3";
import betterSqlite3SessionStore from "better-sqlite3-session-store";
import session from "express-session";

const SqliteStore = betterSqlite3SessionStore(session);
const store = new SqliteStore({ client: sqlite(":memory:") });
const found = () => new Promise((done) => store.get("alice", (_, found) => done(Boolean(found))));
const until = (instant) => setTimeout(instant - Date.now());

const second = Math.ceil(Date.now() / 1000) * 1000;
await until(second + 100);
const cookie = new session.Cookie();
cookie.expires = new Date(second + 1900);
await new Promise((done) => store.set("alice", { cookie, user: "alice" }, done));
const before = await found();
await until(second + 1100);
const after = await found();
const left = cookie.expires - Date.now();
if (!before || after || left <= 0) throw new Error(`before: ${before}, after: ${after}, ${left} ms left`);
console.log("a session of 1.8 s is found at once, and not after a second");
process.exit();
