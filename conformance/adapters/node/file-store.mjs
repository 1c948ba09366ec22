// How session-file-store is opened, for express-session.mjs. Put your own store in its place.

import { rm } from "node:fs/promises";
import sessionFileStore from "session-file-store";

export const name = "session-file-store";
export const version = "1.5.0";
export const capabilities = { persistent: true, shared: true, other_storage: true };
export const hooks = ["second-process"];
export const operations = ["touch", "length", "clear"];

export async function open({ session, dir, fresh }) {
  const path = `${dir}/sessions`;
  if (fresh) await rm(path, { recursive: true, force: true });
  const FileStore = sessionFileStore(session);
  // Without trying again: by default it waits for half a minute whether a missing file comes.
  return new FileStore({ path, retries: 0, reapInterval: -1, logFn: () => {} });
}
