// connect-lowdb: two visitors log in at the same time, and the session of the first is lost, also within one process.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import connectLowdb from "connect-lowdb";
import session from "express-session";
import { Low } from "lowdb";
import { JSONFile } from "lowdb/node";

const LowdbStore = connectLowdb(session);
const file = new JSONFile(`${await mkdtemp(`${tmpdir()}/sessions-`)}/sessions.json`);
const later = () => {
  let come;
  return Object.assign(new Promise((done) => (come = done)), { come: () => come() });
};
let slow; // a request that has read the file, and is not told before the next one is over
const adapter = {
  async read() {
    const own = slow;
    const read = await file.read();
    own?.hasRead.come();
    await own?.goesOn;
    return read;
  },
  write: (data) => file.write(data),
};
const store = new LowdbStore({ db: new Low(adapter, { sessions: [] }) });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));
const logIn = (user) => ask("set", user, { cookie: {}, user });
const users = async () =>
  (await Promise.all(["alice", "bob", "carol"].map((user) => ask("get", user)))).filter(Boolean).map(({ user }) => user);

await logIn("alice");
const carols = (slow = { hasRead: later(), goesOn: later() });
const carol = logIn("carol");
await carols.hasRead;
slow = undefined;
await logIn("bob");
carols.goesOn.come();
await carol;
const found = await users();
if (found.join() !== "alice,carol") throw new Error(`there are ${found}`);
console.log(`alice, bob and carol were told that their sessions are stored: there are those of ${found.join(" and ")}`);
