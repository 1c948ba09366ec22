// nedb-session-store: each further list inside a list doubles the time in which a session is stored.

import session from "express-session";
import nedbSessionStore from "nedb-session-store";

const NedbStore = nedbSessionStore(session);
const store = new NedbStore({ inMemoryOnly: true });

async function time(lists) {
  let value = 1;
  for (let list = 0; list < lists; list += 1) value = [value];
  const begin = performance.now();
  await new Promise((done) => store.set("alice", { cookie: {}, value }, done));
  return performance.now() - begin;
}

await time(10); // so that the program is compiled
const [few, many] = [await time(14), await time(22)];
if (many < 20 * few) throw new Error(`${few} ms, ${many} ms`);
console.log("22 lists in each other take more than twenty times as long as 14");
