// better-sqlite3-session-store, on a file.

import { rm } from "node:fs/promises";
import sqlite from "better-sqlite3";
import betterSqlite3SessionStore from "better-sqlite3-session-store";

export const name = "better-sqlite3-session-store";
export const version = "0.1.0";
export const capabilities = { persistent: true, shared: true, other_storage: true };
export const hooks = ["second-process"];
export const operations = ["touch", "all", "length", "clear"];

export async function open({ session, dir, fresh }) {
  const path = `${dir}/sessions.sqlite`;
  if (fresh) await rm(path, { force: true });
  const SqliteStore = betterSqlite3SessionStore(session);
  return new SqliteStore({ client: sqlite(path) });
}

export const close = (store) => store.client.close();
