// memorystore, with what its documentation shows.

import memorystore from "memorystore";

export const name = "memorystore";
export const version = "1.6.8";
export const capabilities = { other_storage: true };
export const operations = ["touch", "all", "length", "clear"];

export function open({ session }) {
  const MemoryStore = memorystore(session);
  return new MemoryStore({ checkPeriod: 86400000 });
}

export const close = (store) => store.stopInterval();
