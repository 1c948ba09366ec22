"""starsessions RedisStore: a session whose life was over five seconds ago is stored for a second."""

import asyncio
import os
import subprocess

from redis.asyncio import Redis
from starsessions.stores.redis import RedisStore


async def main():
    port = 20000 + os.getpid() % 20000
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
    try:
        await asyncio.sleep(0.3)
        store = RedisStore(connection=Redis(port=port))
        await store.write("alice", b"data", lifetime=10, ttl=-5)
        assert await store.read("alice", lifetime=10) == b"data", "it is not there, as it should be"
        print("a session that ended 5 s ago is found after it was stored")
    finally:
        server.kill()


asyncio.run(main())
