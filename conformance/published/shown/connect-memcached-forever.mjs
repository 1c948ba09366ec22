// connect-memcached: a session with less than a second to live is kept for ever, since memcached takes 0 for that.

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

await ask("set", "long", { cookie: new session.Cookie({ maxAge: 1500 }) });
await ask("set", "short", { cookie: new session.Cookie({ maxAge: 500 }) });
await setTimeout(4000);
const [long, short] = [Boolean(await ask("get", "long")), Boolean(await ask("get", "short"))];
server.kill();
if (long || !short) throw new Error(`1.5 s: ${long}, 0.5 s: ${short}`);
console.log("after 4 s a session of 1.5 s is gone, and one of 0.5 s is found");
process.exit();
