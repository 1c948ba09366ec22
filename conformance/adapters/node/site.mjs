// A web application for `sessionspec http`: express-session on Node's own server.
//
//   node site.mjs 8000
//
// The guide docs/guides/http.md says what it must answer.

import { createServer } from "node:http";
import session from "express-session";

const AGE = 1209600; // seconds
const store = new session.MemoryStore();
const sessions = session({
  name: "sessionid",
  secret: "for tests only",
  store,
  resave: false, // what was not changed is not saved
  saveUninitialized: false, // nor is a session without entries
  cookie: { maxAge: AGE * 1000, httpOnly: true, sameSite: "lax", path: "/" },
});

const SETTINGS = {
  cookie_name: "sessionid",
  cookie_age: AGE,
  cookie_domain: null,
  cookie_path: "/",
  cookie_secure: false,
  cookie_httponly: true,
  cookie_samesite: "Lax",
  save_every_request: false,
  expire_at_browser_close: false,
  server_side: true,
  overlap: true, // it knows `call`, and handles other requests meanwhile
  profile: "core", // the rules for the sessions of every framework
};

const names = ({ session }) => Object.keys(session).filter((name) => name !== "cookie");
const done = (start) => new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve(null))));

const OPERATIONS = {
  get: ({ session }, name) => session[name] ?? null,
  contains: ({ session }, name) => name in session,
  keys: (request) => names(request),
  set: ({ session }, name, value) => void (session[name] = value),
  remove: ({ session }, name) => void delete session[name],
  append: ({ session }, name, value) => void (Array.isArray(session[name]) && session[name].push(value)),
  clear: (request) => names(request).forEach((name) => delete request.session[name]),
  "is-empty": (request) => names(request).length === 0,
  save: ({ session }) => done((told) => session.save(told)),
  call: (_, address) => fetch(address).then(() => null),
  "delete-elsewhere": ({ sessionID }) => done((told) => store.destroy(sessionID, told)),
  "set-expiry": ({ session: { cookie } }, seconds) => {
    cookie.maxAge = seconds === null ? AGE * 1000 : seconds === 0 ? null : seconds * 1000;
  },
  async flush(request) {
    await done((told) => request.session.destroy(told));
    store.generate(request); // what follows is in a new session
  },
  async "cycle-key"(request) {
    const kept = names(request).map((name) => [name, request.session[name]]);
    await done((told) => request.session.regenerate(told));
    Object.assign(request.session, Object.fromEntries(kept));
  },
};

async function answer(request, response) {
  let body = "";
  for await (const part of request) body += part;
  const { do: operations, status, public: forAll } = JSON.parse(body);
  const results = [];
  for (const [name, ...values] of operations) results.push((await OPERATIONS[name](request, ...values)) ?? null);
  if (forAll) response.setHeader("Cache-Control", "public, max-age=60");
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ results }));
}

const server = createServer((request, response) => {
  const fail = (error) => response.writeHead(500).end(String(error));
  if (request.url === "/sessionspec/settings") return response.end(JSON.stringify(SETTINGS));
  sessions(request, response, (error) => (error ? fail(error) : answer(request, response).catch(fail)));
});
server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
