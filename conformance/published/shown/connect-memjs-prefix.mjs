// connect-memjs: the option `prefix` is ignored if the client is given.

import { spawn } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import connectMemjs from "connect-memjs";
import memjs from "memjs";
import session from "express-session";

const port = 20000 + (process.pid % 20000);
const server = spawn("memcached", ["-p", port, "-l", "127.0.0.1", "-u", "root"]);
await setTimeout(300);
const MemcachedStore = connectMemjs(session);
const client = memjs.Client.create(`127.0.0.1:${port}`, { logger: { log: console.error } });
const [shop, forum] = ["shop:", "forum:"].map((prefix) => new MemcachedStore({ client, prefix }));
const ask = (store, method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

await ask(forum, "set", "alice", { cookie: new session.Cookie({ maxAge: 60_000 }), user: "alice" });
const found = await ask(shop, "get", "alice");
server.kill();
if (found?.user !== "alice") throw new Error("the prefixes tell them apart");
console.log(`the store with the prefix "shop:" finds the session of the one with "forum:"`);
process.exit();
