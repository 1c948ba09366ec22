"""An adapter for sessionspec: stores of Python's web frameworks that get, set and destroy, as they are.

    python adapter.py flask_redis      the store of this name in stores.py

Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`.
"""

import asyncio
import inspect
import json
import os
import sys
import time

import stores

store_class = stores.STORES[sys.argv[1]]

HELLO = {
    "protocol": 1,
    "name": store_class.name,
    "version": store_class.version,
    "language": f"Python {sys.version_info.major}.{sys.version_info.minor}",
    "level": "key-value",
    "profile": "core",
    "clock": "moved",
    "clock_resolution_us": store_class.resolution_us,
    "capabilities": {
        "persistent": True,
        "shared": True,
        "server_side": True,
        "expired": "gone",
        "clear_expired": "unsupported",
        "other_storage": True,
    }
    | store_class.capabilities,
    "values": {
        "order": "kept",
        "big_integers": "kept",
        "non_finite": "kept",
        "lone_surrogates": "kept",
        "deep_nesting": "kept",
    }
    | store_class.values,
}
# Whatever is shared is so among processes, too, which may use it at the same time.
HELLO["hooks"] = ["second-process"] if HELLO["capabilities"]["shared"] else []

clients = []
place = None


async def done(answer):
    return await answer if inspect.isawaitable(answer) else answer


async def answer(op, request):
    global place
    match op:
        case "hello":
            return HELLO
        case "open" | "reopen":
            place = request.get("dir", place)
            fresh = op == "open" and not request.get("keep")  # with `keep` it is what another process has opened
            for client in clients:
                await done(client.close())
            clients.clear()
            # The last of them is on another storage: a store is opened for the site "one" or "two".
            for number, site in enumerate(["one", "one", "two"]):
                directory = f"{place}/{site}"
                os.makedirs(directory, exist_ok=True)
                client = store_class()
                await done(client.open(directory, fresh=fresh and number != 1, site=site))
                clients.append(client)
            return None
        case "now":
            return time.time_ns() // 1_000
        case "bye":
            return None
    number = request["client"]
    client, key = clients[0 if number == 1 and not HELLO["capabilities"]["shared"] else number], request["key"]
    match op:
        case "get":
            data = await done(client.get(key))
            return None if data is None else {"data": data}
        case "set":
            # The life that is left, as the framework reckons it.
            left_us = request["expires_us"] - time.time_ns() // 1_000
            await done(client.set(key, request["data"], left_us))
            return None
        case "destroy":
            await done(client.destroy(key))
            return None
    raise NotImplementedError(f"there is no operation `{op}`")


async def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            outcome = {"ok": await answer(request["op"], request)}
        except NotImplementedError as error:
            outcome = {"error": {"kind": "protocol", "message": str(error)}}
        except Exception as error:
            outcome = {"error": {"kind": "unavailable", "message": repr(error)[:300]}}
        print(json.dumps({"id": request["id"], **outcome}), flush=True)
        if request["op"] == "bye":
            break


asyncio.run(main())
