// connect-session-knex, on a file of SQLite.

import { rm } from "node:fs/promises";
import { ConnectSessionKnexStore } from "connect-session-knex";
import makeKnex from "knex";

export const name = "connect-session-knex (SQLite)";
export const version = "5.0.0";
export const capabilities = { persistent: true, shared: true, other_storage: true };
export const hooks = ["second-process"];
export const operations = ["touch", "all", "length", "clear"];

export async function open({ dir, fresh }) {
  const filename = `${dir}/sessions.sqlite`;
  if (fresh) await rm(filename, { force: true });
  const knex = makeKnex({ client: "better-sqlite3", connection: { filename }, useNullAsDefault: true });
  const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 });
  await store.ready;
  return store;
}

export const close = (store) => store.options.knex.destroy();
