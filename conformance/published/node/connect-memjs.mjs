// connect-memjs on a memcached.

import connectMemjs from "connect-memjs";
import memjs from "memjs";

export const name = "connect-memjs";
export const version = "0.2.1";
export const capabilities = { persistent: true, shared: true, clear_expired: "automatic" };
export const clock_resolution_us = 1_000_000;

export function open({ session }) {
  const MemcachedStore = connectMemjs(session);
  // Its logger writes to standard output otherwise, where the adapter answers.
  const client = memjs.Client.create(process.env.SERVER, { logger: { log: console.error } });
  return new MemcachedStore({ client });
}

export const close = (store) => store.client.close();
