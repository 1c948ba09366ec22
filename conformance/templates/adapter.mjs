// An adapter for sessionspec: a store that is a Map. It needs Node.js and nothing else. Put your own store in the place
// of `records`, and say in HELLO what it can do.
//
// Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`.

import { createInterface } from "node:readline";

const HELLO = {
  protocol: 1,
  name: "my-store",
  version: "1.0",
  language: "JavaScript",
  level: "store", // a bare store: the suite brings the sessions
  profile: "core", // the rules for the sessions of every framework; "django" is all of them
  clock: "virtual", // time is what `now` says, in microseconds since 1970
  opaque: true, // `data` is one text, which the store keeps as it is
  capabilities: {
    persistent: false, // a restart forgets everything
    shared: false, // there is one handle, whatever `client` says
    server_side: true, // the key is not the data
    expired: "gone", // nobody sees an expired record again
    clear_expired: "automatic", // so there is nothing to clear
    max_record_bytes: null,
  },
  values: {
    order: "kept",
    big_integers: "kept",
    non_finite: "kept",
    lone_surrogates: "kept",
    deep_nesting: "kept",
  },
};

const records = new Map(); // key -> { data: text, expires_us: microseconds }

const ok = (answer) => ({ ok: answer });
const error = (kind, message) => ({ error: { kind, message } });

function answer({ op, now, key, data, expires_us }) {
  if (op === "hello") return ok(HELLO);
  if (op === "open" || op === "reopen") { // fresh storage; and for a Map a restart is no different
    records.clear();
    return ok(null);
  }
  if (op === "clear-expired" || op === "bye") return ok(null);
  if (records.has(key) && records.get(key).expires_us <= now) { // at its instant a record is expired
    records.delete(key);
  }
  switch (op) {
    case "exists":
      return ok(records.has(key));
    case "load":
      return ok(records.get(key) ?? null);
    case "insert":
      if (records.has(key)) return error("create-error", "the key is taken");
      break;
    case "update":
      if (!records.has(key)) return error("update-error", "there is no such record");
      break;
    case "delete":
      records.delete(key);
      return ok(null);
    default:
      return error("protocol", `there is no operation \`${op}\``);
  }
  records.set(key, { data, expires_us });
  return ok(null);
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const request = JSON.parse(line);
  process.stdout.write(JSON.stringify({ id: request.id, ...answer(request) }) + "\n");
  if (request.op === "bye") break;
}
