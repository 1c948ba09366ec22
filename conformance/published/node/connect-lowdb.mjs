// connect-lowdb, on a file.

import { rm } from "node:fs/promises";
import connectLowdb from "connect-lowdb";
import { Low } from "lowdb";
import { JSONFile } from "lowdb/node";

export const name = "connect-lowdb";
export const version = "2.1.0";
export const capabilities = { persistent: true, shared: true, other_storage: true };
export const operations = ["touch", "all", "length", "clear"];

export async function open({ session, dir, fresh }) {
  const path = `${dir}/sessions.json`;
  if (fresh) await rm(path, { force: true });
  const LowdbStore = connectLowdb(session);
  return new LowdbStore({ db: new Low(new JSONFile(path), { sessions: [] }) });
}
