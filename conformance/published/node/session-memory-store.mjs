// session-memory-store.

import sessionMemoryStore from "session-memory-store";

export const name = "session-memory-store";
export const version = "1.0.0";
export const capabilities = { other_storage: true };
export const operations = ["touch", "all", "length", "clear"];

export function open({ session }) {
  const MemoryStore = sessionMemoryStore(session);
  return new MemoryStore();
}

export const close = (store) => store.store.close();
