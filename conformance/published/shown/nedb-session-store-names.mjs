// nedb-session-store: a name with a dot in it cannot be stored.

import session from "express-session";
import nedbSessionStore from "nedb-session-store";

const NedbStore = nedbSessionStore(session);
const store = new NedbStore({ inMemoryOnly: true });
const set = (name) =>
  new Promise((done) => store.set("alice", { cookie: {}, [name]: 1 }, (error) => done(error?.message ?? "stored")));

const plain = await set("ab");
const dotted = await set("a.b");
if (plain !== "stored" || dotted === "stored") throw new Error(`${plain}, ${dotted}`);
console.log(`an entry "ab": ${plain}; an entry "a.b": ${dotted}`);
