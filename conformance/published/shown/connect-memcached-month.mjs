// connect-memcached: a session of 31 days is gone at once, since memcached takes more than 30 days for a date.

import { spawn } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import connectMemcached from "connect-memcached";
import session from "express-session";

const port = 20000 + (process.pid % 20000);
const server = spawn("memcached", ["-p", port, "-l", "127.0.0.1", "-u", "root"]);
await setTimeout(300);
const MemcachedStore = connectMemcached(session);
const store = new MemcachedStore({ hosts: [`127.0.0.1:${port}`] });
const ask = (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

const found = {};
for (const days of [30, 31]) {
  await ask("set", "alice", { cookie: new session.Cookie({ maxAge: days * 86400_000 }), user: "alice" });
  found[days] = Boolean(await ask("get", "alice"));
}
server.kill();
if (!found[30] || found[31]) throw new Error(JSON.stringify(found));
console.log("a session of 30 days is found; one of 31 days is not");
process.exit();
