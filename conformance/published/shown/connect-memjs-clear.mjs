// connect-memjs: to clear the sessions empties the whole server, and `length` gives nothing.

import { spawn } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import connectMemjs from "connect-memjs";
import session from "express-session";

const port = 20000 + (process.pid % 20000);
const server = spawn("memcached", ["-p", port, "-l", "127.0.0.1", "-u", "root"]);
await setTimeout(300);
const MemcachedStore = connectMemjs(session);
const logger = { log: console.error };
const open = (prefix) => new MemcachedStore({ servers: [`127.0.0.1:${port}`], prefix, logger });
const [shop, forum] = [open("shop:"), open("forum:")];
const ask = (store, method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask(forum, "set", "alice", { cookie: new session.Cookie({ maxAge: 60_000 }), user: "alice" });
const length = await ask(forum, "length");
await ask(shop, "clear");
const found = await ask(forum, "get", "alice");
server.kill();
if (found || length !== undefined) throw new Error(JSON.stringify({ found, length }));
console.log(`the sessions of "forum:" are gone after those of "shop:" were cleared; length gives ${length}`);
process.exit();
