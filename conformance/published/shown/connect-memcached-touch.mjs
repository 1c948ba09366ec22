// connect-memcached: a request that ends after the visitor has logged out touches his session, and so stores it again.

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

const cookie = new session.Cookie({ maxAge: 60_000 });
await ask("set", "alice", { cookie, user: "alice" });
const begun = await ask("get", "alice"); // the request that ends late
await ask("destroy", "alice");
const gone = await ask("get", "alice");
await ask("touch", "alice", { ...begun, cookie });
const back = await ask("get", "alice");
server.kill();
if (gone || back?.user !== "alice") throw new Error(JSON.stringify({ gone, back }));
console.log("alice's session is gone after it was destroyed, and there after another request has touched it");
process.exit();
