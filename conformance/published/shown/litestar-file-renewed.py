"""Litestar FileStore: who finds that a session is over removes it, also if another process has stored it anew meanwhile."""

import asyncio
import tempfile
import time

from litestar.stores.file import FileStore


async def main():
    with tempfile.TemporaryDirectory() as place:
        other = FileStore(place)  # that of another process

        class Store(FileStore):
            async def _load_from_path(self, path):
                found = await FileStore._load_from_path(path)
                await other.set("alice", b"new", expires_in=60)  # the file was read, and nothing was done with it
                return found

        await other.set("alice", b"old", expires_in=1)
        time.sleep(1.1)
        found = await Store(place).get("alice")
        kept = await other.get("alice")
        await other.set("alice", b"new", expires_in=60)
        alone = await other.get("alice")
        assert (found, kept, alone) == (None, None, b"new"), (found, kept, alone)


asyncio.run(main())
print("stored anew while another process finds it expired: not found; stored anew alone: found")
