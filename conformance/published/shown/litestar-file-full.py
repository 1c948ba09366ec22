"""Litestar FileStore: where nothing more can be written, a session is said to be stored, and is not."""

import asyncio
import resource
import tempfile

from litestar.stores.file import FileStore


async def main():
    with tempfile.TemporaryDirectory() as place:
        store = FileStore(place)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))  # as on a disk that is full
        await store.set("alice", b"data", expires_in=60)
        assert await store.get("alice") is None, "it was stored"


asyncio.run(main())
print("set: no error; get: nothing")
