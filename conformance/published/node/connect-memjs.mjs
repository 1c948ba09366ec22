// connect-memjs on a memcached.

import connectMemjs from "connect-memjs";

export const name = "connect-memjs";
export const version = "0.2.1";
export const capabilities = { persistent: true, shared: true, clear_expired: "automatic", other_storage: true };
export const hooks = ["second-process"];
export const clock_resolution_us = 1_000_000;
export const operations = ["length", "clear"];

export function open({ session, site }) {
  const MemcachedStore = connectMemjs(session);
  // Its logger writes to standard output otherwise, where the adapter answers.
  const logger = { log: console.error };
  return new MemcachedStore({ servers: [process.env.SERVER], prefix: `${site}:`, logger });
}

export const close = (store) => store.client.close();
