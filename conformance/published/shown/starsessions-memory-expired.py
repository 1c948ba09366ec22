"""starsessions InMemoryStore: a session is there after its life is over."""

import asyncio

from starsessions import InMemoryStore


async def main():
    store = InMemoryStore()
    await store.write("alice", b"data", lifetime=1, ttl=1)
    await asyncio.sleep(1.2)
    assert await store.read("alice", lifetime=1) == b"data", "it is gone, as it should be"
    print("a session of 1 s is found after 1.2 s")


asyncio.run(main())
