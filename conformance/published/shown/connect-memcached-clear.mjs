// connect-memcached: to clear the sessions empties the whole server, and `length` gives something else than a number.

import { spawn } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import connectMemcached from "connect-memcached";
import session from "express-session";

const port = 20000 + (process.pid % 20000);
const server = spawn("memcached", ["-p", port, "-l", "127.0.0.1", "-u", "root"]);
await setTimeout(300);
const MemcachedStore = connectMemcached(session);
const open = (prefix) => new MemcachedStore({ hosts: [`127.0.0.1:${port}`], prefix });
const [shop, forum] = [open("shop:"), open("forum:")];
const ask = (store, method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask(forum, "set", "alice", { cookie: new session.Cookie({ maxAge: 60_000 }), user: "alice" });
const length = await ask(forum, "length");
await ask(shop, "clear");
const found = await ask(forum, "get", "alice");
server.kill();
if (found || Number.isInteger(length)) throw new Error(JSON.stringify({ found, length }));
console.log(`the sessions of "forum:" are gone after those of "shop:" were cleared; length gives an ${typeof length}`);
process.exit();
