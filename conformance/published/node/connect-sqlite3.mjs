// connect-sqlite3, on a file.

import { rm } from "node:fs/promises";
import { once } from "node:events";
import connectSqlite3 from "connect-sqlite3";

export const name = "connect-sqlite3";
export const version = "0.9.18";
export const capabilities = { persistent: true, shared: true, other_storage: true };
export const hooks = ["second-process"];
export const operations = ["touch", "all", "length", "clear"];

export async function open({ session, dir, fresh }) {
  if (fresh) await rm(`${dir}/sessions.sqlite`, { force: true });
  const SQLiteStore = connectSqlite3(session);
  // Without its daily sweep, which cannot be stopped: it would go on with a file that the suite has removed.
  const { setInterval } = globalThis;
  globalThis.setInterval = () => ({ unref() {} });
  const store = new SQLiteStore({ dir, db: "sessions.sqlite" });
  await once(store.client, "connect");
  await new Promise(setImmediate);
  globalThis.setInterval = setInterval;
  return store;
}

export const close = (store) => new Promise((done) => store.db.close(done));
