// connect-session-knex on SQLite: in the whole second of its end a session is still there.

import { ConnectSessionKnexStore } from "connect-session-knex";
import makeKnex from "knex";

let now = Math.floor(Date.now() / 1000) * 1000;
globalThis.Date = class extends Date {
  constructor(...parts) {
    super(...(parts.length ? parts : [now]));
  }
};
const connection = { filename: ":memory:" };
const knex = makeKnex({ client: "better-sqlite3", connection, useNullAsDefault: true, pool: { min: 1, max: 1 } });
const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 });

await store.set("alice", { cookie: { maxAge: 10_000 }, user: "alice" });
now += 10_999;
const at = await store.get("alice");
now += 1;
const after = await store.get("alice");
await knex.destroy();
if (!at || after) throw new Error(`at: ${JSON.stringify(at)}, after: ${JSON.stringify(after)}`);
console.log("999 ms after its end: found; a second after: not found");
process.exit();
