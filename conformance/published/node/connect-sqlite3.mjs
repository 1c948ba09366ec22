// connect-sqlite3, on a file.

import { rm } from "node:fs/promises";
import { once } from "node:events";
import connectSqlite3 from "connect-sqlite3";

export const name = "connect-sqlite3";
export const version = "0.9.18";
export const capabilities = { persistent: true, shared: true };

export async function open({ session, dir, fresh }) {
  if (fresh) await rm(`${dir}/sessions.sqlite`, { force: true });
  const SQLiteStore = connectSqlite3(session);
  const store = new SQLiteStore({ dir, db: "sessions.sqlite" });
  await once(store.client, "connect");
  return store;
}

// Its timer cannot be stopped; what that asks afterwards is for nobody.
export async function close(store) {
  const { db } = store;
  store.db = { run() {} };
  await new Promise((done) => db.close(done));
}
