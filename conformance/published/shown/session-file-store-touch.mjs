// session-file-store: a visitor logs out while another request of his ends. That touches the session, which comes back.

import { execFileSync } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import session from "express-session";
import sessionFileStore from "session-file-store";

const FileStore = sessionFileStore(session);
const opened = (path, options) => new FileStore({ path, retries: 0, reapInterval: -1, logFn: () => {}, ...options });
const asked = (store) => (method, ...parameters) =>
  new Promise((done, failed) => store[method](...parameters, (error, found) => (error ? failed(error) : done(found))));

if (process.argv[2]) {
  // Another process of the site, in which the visitor logs out.
  await asked(opened(process.argv[2]))("destroy", "alice");
} else {
  const path = await mkdtemp(`${tmpdir()}/sessions-`);
  const ask = asked(opened(path));
  // It touches a session by reading and writing it. The log-out comes between, which the decoder is for here.
  const decoder = (text) => {
    execFileSync(process.execPath, [process.argv[1], path]);
    return JSON.parse(text);
  };
  await ask("set", "alice", { cookie: {}, user: "alice" });
  await asked(opened(path, { decoder }))("touch", "alice", { cookie: {} });
  const back = await ask("get", "alice");
  await ask("destroy", "alice");
  const gone = await ask("get", "alice").catch(({ code }) => code);
  if (back?.user !== "alice" || gone !== "ENOENT") throw new Error(JSON.stringify({ back, gone }));
  console.log("destroyed while another process touches it: alice's session is there; destroyed alone: it is gone");
}
