// connect-redis on a Redis, by the client that its documentation shows.

import { RedisStore } from "connect-redis";
import { createClient } from "redis";

export const name = "connect-redis";
export const version = "10.0.0";
export const capabilities = { persistent: true, shared: true, clear_expired: "automatic" };

export async function open() {
  const client = await createClient({ url: `redis://${process.env.SERVER}` }).connect();
  return new RedisStore({ client });
}

export const close = (store) => store.client.close();
