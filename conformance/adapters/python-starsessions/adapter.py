"""An adapter for sessionspec: a store of starsessions (Starlette, FastAPI), as it is.

    python adapter.py                         its InMemoryStore
    python adapter.py redis://127.0.0.1:6379  its RedisStore

Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`.
"""

import asyncio
import json
import sys
import time
from importlib.metadata import version

from starsessions import InMemoryStore, JsonSerializer

redis = None
if len(sys.argv) > 1:
    from redis.asyncio import Redis
    from starsessions.stores.redis import RedisStore

    redis = Redis.from_url(sys.argv[1])

HELLO = {
    "protocol": 1,
    "name": "starsessions RedisStore" if redis else "starsessions InMemoryStore",
    "version": version("starsessions"),
    "language": f"Python {sys.version_info.major}.{sys.version_info.minor}",
    "level": "key-value",  # `read`, `write`, `remove`: the suite brings the rest
    "profile": "core",  # what the sessions of every framework must do, and not Django's habits
    "clock": "moved",  # the store reads the machine's clock, and the suite moves that
    "clock_resolution_us": 1_000_000,  # it is told how long a session lives in whole seconds
    "capabilities": {
        "persistent": bool(redis),
        "shared": bool(redis),
        "server_side": True,
        "expired": "gone",
        "clear_expired": "automatic" if redis else "unsupported",
        "other_storage": True,
    },
    "values": {
        "order": "kept",
        "big_integers": "kept",
        "non_finite": "kept",
        "lone_surrogates": "kept",
        "deep_nesting": "kept",
    },
    "hooks": ["second-process"] if redis else [],  # several processes may use a Redis at the same time
}

serializer = JsonSerializer()
stores = []  # one for each client


def open_stores():
    if redis:
        # The last one is on another storage.
        stores[:] = [RedisStore(connection=redis, prefix=prefix) for prefix in ("one.", "one.", "two.")]
    else:
        one = InMemoryStore()
        stores[:] = [one, one, InMemoryStore()]


async def clock():
    """The clock by which sessions expire, in microseconds: that of the Redis, if there is one."""
    if redis:
        seconds, micros = await redis.time()
        return seconds * 1_000_000 + micros
    return time.time_ns() // 1_000


async def answer(op, request):
    key, store = request.get("key"), stores[request.get("client", 0)] if stores else None
    match op:
        case "hello":
            return HELLO
        case "open":
            if redis and not request.get("keep"):  # with `keep` it is what another process has opened
                await redis.flushdb()
            return open_stores()
        case "reopen":
            return open_stores()
        case "now":
            return await clock()
        case "get":
            data = await store.read(session_id=key, lifetime=0)
            return {"data": serializer.deserialize(data)} if data else None  # no bytes: no session
        case "set":
            # As the middleware does it: the seconds that are left, rounded down.
            lifetime = int(request["expires_us"] / 1_000_000 - time.time())
            data = serializer.serialize(request["data"])
            await store.write(session_id=key, data=data, lifetime=lifetime or 1, ttl=lifetime)
            return None
        case "destroy":
            return await store.remove(key)
        case "bye":
            return None
    raise LookupError(f"there is no operation `{op}`")


async def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            outcome = {"ok": await answer(request["op"], request)}
        except LookupError as error:
            outcome = {"error": {"kind": "protocol", "message": str(error)}}
        except Exception as error:
            outcome = {"error": {"kind": "unavailable", "message": repr(error)}}
        print(json.dumps({"id": request["id"], **outcome}), flush=True)
        if request["op"] == "bye":
            break


asyncio.run(main())
