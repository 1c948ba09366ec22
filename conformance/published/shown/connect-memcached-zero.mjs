// connect-memcached: a key with a zero byte finds the session of the key before it, and destroys it.

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

await ask("set", "alice", { cookie: new session.Cookie({ maxAge: 60_000 }), user: "alice" });
const other = await ask("get", "alice\0x");
await ask("destroy", "alice\0x");
const found = await ask("get", "alice");
server.kill();
if (other?.user !== "alice" || found) throw new Error(JSON.stringify({ other, found }));
console.log(`the key "alice\\0x" finds alice's session; to destroy it destroys hers`);
process.exit();
