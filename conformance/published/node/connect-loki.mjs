// connect-loki, on a file.

import { rm } from "node:fs/promises";
import { once } from "node:events";
import connectLoki from "connect-loki";

export const name = "connect-loki";
export const version = "1.2.0";
export const capabilities = { persistent: true, other_storage: true };
export const operations = ["touch", "length", "clear"];

export async function open({ session, dir, fresh }) {
  const path = `${dir}/sessions.db`;
  if (fresh) await rm(path, { force: true });
  const LokiStore = connectLoki(session);
  const store = new LokiStore({ path });
  await once(store, "connect");
  return store;
}

// What has changed is saved now and then, and when the database is closed.
export const close = (store) => new Promise((done) => store.client.close(done));
