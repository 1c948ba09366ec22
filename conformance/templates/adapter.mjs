// An adapter for sessionspec: a store that is a Map. It needs Node.js and nothing else. Put your own store in the place
// of `records`, and say in HELLO what it can do.
//
// Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`. Session data stays
// the text that it is: JavaScript's numbers would not keep all of it.

import { createInterface } from "node:readline";

const HELLO = {
  protocol: 1,
  name: "my-store",
  version: "1.0",
  language: "JavaScript",
  level: "store", // a bare store: the suite brings the sessions
  clock: "virtual", // time is what `now` says, in microseconds since 1970
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

const records = new Map(); // key -> { data: text, expires: microseconds }

// The fields of an object, each as the text that it is.
function fields(line) {
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"]/g;
  const found = {};
  let depth = 0, name, start;
  for (let match; (match = token.exec(line)); ) {
    const [text] = match;
    if (depth === 1 && (text === "," || text === "}") && start !== undefined) {
      found[name] = line.slice(start, match.index).trim();
      start = undefined;
    } else if (depth === 1 && start === undefined && text[0] === '"') {
      name = JSON.parse(text);
    } else if (depth === 1 && start === undefined && text === ":") {
      start = token.lastIndex;
    }
    if (text === "{" || text === "[") depth += 1;
    if (text === "}" || text === "]") depth -= 1;
  }
  return found;
}

const ok = (text) => `"ok":${text}`;
const error = (kind, message) => `"error":${JSON.stringify({ kind, message })}`;

function answer(request) {
  const op = JSON.parse(request.op);
  const key = request.key && JSON.parse(request.key);
  if (op === "hello") return ok(JSON.stringify(HELLO));
  if (op === "open" || op === "reopen") { // fresh storage; and for a Map a restart is no different
    records.clear();
    return ok("null");
  }
  if (op === "clear-expired" || op === "bye") return ok("null");
  if (records.has(key) && records.get(key).expires <= BigInt(request.now)) { // at its instant a record is expired
    records.delete(key);
  }
  const record = records.get(key);
  switch (op) {
    case "exists":
      return ok(record !== undefined);
    case "load":
      return ok(record ? `{"data":${record.data},"expires_us":${record.expires}}` : "null");
    case "insert":
      if (record) return error("create-error", "the key is taken");
      break;
    case "update":
      if (!record) return error("update-error", "there is no such record");
      break;
    case "delete":
      records.delete(key);
      return ok("null");
    default:
      return error("protocol", `there is no operation \`${op}\``);
  }
  records.set(key, { data: request.data, expires: BigInt(request.expires_us) });
  return ok("null");
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const request = fields(line);
  process.stdout.write(`{"id":${request.id},${answer(request)}}\n`);
  if (request.op === '"bye"') break;
}
