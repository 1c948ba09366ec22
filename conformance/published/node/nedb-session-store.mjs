// nedb-session-store, on a file.

import { rm } from "node:fs/promises";
import { once } from "node:events";
import nedbSessionStore from "nedb-session-store";

export const name = "nedb-session-store";
export const version = "1.1.2";
export const capabilities = { persistent: true, other_storage: true };
export const operations = ["touch", "all", "length", "clear"];

export async function open({ session, dir, fresh }) {
  const filename = `${dir}/sessions.db`;
  if (fresh) await rm(filename, { force: true });
  const NedbStore = nedbSessionStore(session);
  const store = new NedbStore({ filename, autoCompactInterval: null });
  // `all` and `length` remove what has expired after they have answered; what fails then, the store tells by this event.
  store.on("error", () => {});
  await once(store, "connect");
  return store;
}
