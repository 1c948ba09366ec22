// An adapter for sessionspec: a store of express-session, as it is.
//
//   node express-session.mjs                 express-session's own MemoryStore
//   node express-session.mjs ./my-store.mjs  the store that a module opens (see file-store.mjs)
//
// Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`.

import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import session from "express-session";

const module = process.argv[2] ? await import(pathToFileURL(resolve(process.argv[2]))) : {
  name: "express-session MemoryStore",
  version: "1.19.0",
  operations: ["touch", "all", "length", "clear"],
  open: () => new session.MemoryStore(),
  capabilities: { other_storage: true },
};

const HELLO = {
  protocol: 1,
  name: module.name,
  version: module.version,
  language: `JavaScript (Node.js ${process.versions.node})`,
  level: "key-value", // `get`, `set`, `destroy`: the suite brings the rest
  profile: "core", // the rules for the sessions of every framework
  clock: "moved", // the store reads the machine's clock, and the suite moves that
  clock_resolution_us: module.clock_resolution_us ?? 1000,
  capabilities: {
    persistent: false, // a restart forgets everything
    shared: false, // there is one handle, whatever `client` says
    server_side: true, // the key is not the data
    expired: "gone", // nobody sees an expired session again
    clear_expired: "unsupported", // such a store is not asked to
    other_storage: false, // with `true`, `client` 2 is on another storage: the module is opened for the `site` "two"
    ...module.capabilities,
  },
  values: {
    order: "lost", // JavaScript sorts names that look like numbers
    numbers: "doubles",
    big_integers: "unsupported",
    non_finite: "unsupported",
    lone_surrogates: "kept",
    deep_nesting: "kept",
    ...module.values,
  },
  operations: module.operations ?? ["touch"], // and `all`, `length`, `clear`: those that the store has
  hooks: module.hooks ?? [], // "second-process", if several processes may use the storage at the same time
};

let stores = []; // one for each client
let dir; // where they may keep files

// Opens the module's store for one of two sites, in a directory of its own.
async function opened(site, fresh) {
  const place = resolve(dir, site);
  await mkdir(place, { recursive: true });
  return module.open({ session, dir: place, fresh, site });
}

// Calls a method of the store that answers by a callback.
function ask(client, method, ...parameters) {
  const store = stores[client] ?? stores[0];
  return new Promise((done, failed) =>
    // To express-session, a file that is not there is a session that is not there.
    store[method](...parameters, (error, answer) =>
      error && error.code !== "ENOENT" ? failed(error) : done(answer)));
}

// A session as express-session hands it to its store. Entries named `cookie` step aside for the store's own.
function toSession({ data, expires_us }) {
  const cookie = new session.Cookie();
  cookie.expires = new Date(expires_us / 1000);
  const aside = (name) => name.replace(/^_*cookie$/, "_$&");
  return { ...Object.fromEntries(Object.entries(data).map(([name, value]) => [aside(name), value])), cookie };
}

function fromSession({ cookie, ...data }) {
  const back = (name) => name.replace(/^_(_*cookie)$/, "$1");
  const entries = Object.entries(data).map(([name, value]) => [back(name), value]);
  const expires_us = cookie?.expires ? new Date(cookie.expires).getTime() * 1000 : undefined;
  return { data: Object.fromEntries(entries), expires_us };
}

async function answer({ op, client, key, ...request }) {
  const fresh = op === "open" && !request.keep;
  switch (op) {
    case "hello":
      return HELLO;
    case "open": // fresh storage; with `keep`, what another process has opened
    case "reopen": // the same again, after a restart
      dir = request.dir ?? dir;
      for (const store of Object.values(stores)) await module.close?.(store);
      stores = [];
      for (const number of HELLO.capabilities.shared ? [0, 1] : [0]) {
        stores[number] = await opened("one", fresh && number === 0);
      }
      if (HELLO.capabilities.other_storage) {
        stores[2] = await opened("two", fresh);
      }
      return null;
    case "now":
      return Date.now() * 1000;
    case "get": {
      const found = await ask(client, "get", key);
      return found ? fromSession(found) : null;
    }
    case "set":
    case "touch":
      await ask(client, op, key, toSession(request));
      return null;
    case "destroy":
      await ask(client, op, key);
      return null;
    case "all": // a list of the sessions, or an object that has them under their keys
      return Object.values(await ask(client, op)).map((found) => {
        const { key, session } = module.listed?.(found) ?? { session: found };
        return { key, data: fromSession(session).data };
      });
    case "length": {
      const length = await ask(client, op);
      if (!Number.isInteger(length)) throw new Error(`\`length\` gave ${JSON.stringify(length)}`);
      return length;
    }
    case "clear":
      await ask(client, op);
      return null;
    case "bye":
      return null;
  }
  throw Object.assign(new Error(`there is no operation \`${op}\``), { kind: "protocol" });
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { id, ...request } = JSON.parse(line);
  const outcome = await answer(request).then(
    (ok) => ({ ok }),
    (error) => ({ error: { kind: error.kind ?? "unavailable", message: error.message } }),
  );
  process.stdout.write(JSON.stringify({ id, ...outcome }) + "\n");
  if (request.op === "bye") process.exit();
}
