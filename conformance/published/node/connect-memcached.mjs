// connect-memcached on a memcached.

import connectMemcached from "connect-memcached";

export const name = "connect-memcached";
export const version = "3.0.0";
export const capabilities = { persistent: true, shared: true, clear_expired: "automatic", other_storage: true };
export const hooks = ["second-process"];
export const clock_resolution_us = 1_000_000;
export const operations = ["touch", "length", "clear"];

export function open({ session, site }) {
  const MemcachedStore = connectMemcached(session);
  return new MemcachedStore({ hosts: [process.env.SERVER], prefix: `${site}:` });
}

export const close = (store) => store.client.end();
