// connect-pg-simple, on a PostgreSQL.

import connectPgSimple from "connect-pg-simple";

export const name = "connect-pg-simple";
export const version = "10.0.0";
export const capabilities = { persistent: true, shared: true };
export const clock_resolution_us = 1_000_000;

export async function open({ session, fresh, site }) {
  const PgStore = connectPgSimple(session);
  const conString = `postgres://postgres@${process.env.SERVER}/postgres`;
  const store = new PgStore({ conString, tableName: site, createTableIfMissing: true, pruneSessionInterval: false });
  if (fresh) await new Promise((done) => store.query(`DELETE FROM "${site}"`, [], done));
  return store;
}

export const close = (store) => store.close();
