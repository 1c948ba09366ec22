// nedb-session-store, on a file.

import { rm } from "node:fs/promises";
import { once } from "node:events";
import nedbSessionStore from "nedb-session-store";

export const name = "nedb-session-store";
export const version = "1.1.2";
export const capabilities = { persistent: true };

export async function open({ session, dir, fresh }) {
  const filename = `${dir}/sessions.db`;
  if (fresh) await rm(filename, { force: true });
  const NedbStore = nedbSessionStore(session);
  const store = new NedbStore({ filename, autoCompactInterval: null });
  await once(store, "connect");
  return store;
}
