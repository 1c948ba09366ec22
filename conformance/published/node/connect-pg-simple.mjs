// connect-pg-simple, on a PostgreSQL.

import connectPgSimple from "connect-pg-simple";

export const name = "connect-pg-simple";
export const version = "10.0.0";
export const capabilities = { persistent: true, shared: true, other_storage: true };
export const hooks = ["second-process"];
export const clock_resolution_us = 1_000_000;

export async function open({ session, fresh, site }) {
  const PgStore = connectPgSimple(session);
  const conString = `postgres://postgres@${process.env.SERVER}/postgres`;
  // A schema for each site: of two tables in one, only the first can be created by the store.
  const store = new PgStore({ conString, schemaName: site, createTableIfMissing: true, pruneSessionInterval: false });
  const ask = (query) => new Promise((done) => store.query(query, [], done, true));
  await ask(`CREATE SCHEMA IF NOT EXISTS ${site}`);
  if (fresh) await ask(`DELETE FROM ${site}.session`);
  return store;
}

export const close = (store) => store.close();
