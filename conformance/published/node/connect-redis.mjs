// connect-redis on a Redis, by the client that its documentation shows.

import { RedisStore } from "connect-redis";
import { createClient } from "redis";

export const name = "connect-redis";
export const version = "10.0.0";
export const capabilities = { persistent: true, shared: true, clear_expired: "automatic", other_storage: true };
export const hooks = ["second-process"];
export const operations = ["touch", "all", "length", "clear"];

export async function open({ site }) {
  const client = await createClient({ url: `redis://${process.env.SERVER}` }).connect();
  return new RedisStore({ client, prefix: `${site}:` });
}

// In a list the key stands among the entries.
export const listed = ({ id, ...session }) => ({ key: id, session });

export const close = (store) => store.client.close();
