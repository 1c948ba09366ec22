"""A store of one file per session that is killed by the tests, with a fault that the first argument names:

none            what is acknowledged is in its file, and a file is whole or not there
answers-first   a write is answered, and done before the next request is
deletes-later   the same for a deletion
two-pieces      a record is written into its file in two pieces
name-first      a key is taken before there is a record
cannot-open     what a killed process has left is not opened again
no-hook         as `none`, but it cannot be told to keep what is there
"""

import json
import os
import sys
import time

FAULT = sys.argv[1]
HELLO = {
    "protocol": 1,
    "name": f"crash-{FAULT}",
    "level": "store",
    "clock": "virtual",
    "capabilities": {
        "persistent": True,
        "shared": True,
        "server_side": True,
        "expired": "kept",
        "clear_expired": "sweeps",
    },
    "values": {
        "order": "kept",
        "big_integers": "kept",
        "non_finite": "kept",
        "lone_surrogates": "kept",
        "deep_nesting": "kept",
    },
    "hooks": [] if FAULT == "no-hook" else ["crash"],
}

directory = None
later = []  # what is answered already, and still to be done


def path(key):
    return os.path.join(directory, f"key-{key}")


def names():
    return [os.path.join(directory, name) for name in os.listdir(directory)]


def slow_disk():
    time.sleep(0.005)  # so that a death between two steps is no rarity


def write(key, record):
    text = json.dumps(record)
    if FAULT == "two-pieces":
        with open(path(key), "w") as file:
            for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
                file.write(piece)
                file.flush()
                slow_disk()
        return
    making = os.path.join(directory, "making")
    with open(making, "w") as file:
        file.write(text)
    os.replace(making, path(key))


def read(key):
    try:
        with open(path(key)) as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def failed(kind):
    return {"error": {"kind": kind, "message": kind}}


def answer(request):
    global directory
    op, key, now = request["op"], request.get("key"), request.get("now")
    while later:
        later.pop(0)()
    if op == "hello":
        return {"ok": HELLO}
    if op == "open":
        directory = request["dir"]
        if request.get("keep"):
            if FAULT == "cannot-open":
                return failed("unavailable")
        else:
            for name in names():
                os.remove(name)
        return {"ok": None}
    if op in ("reopen", "bye"):
        return {"ok": None}
    try:
        if op == "clear-expired":
            keys = [os.path.basename(name)[4:] for name in names() if "/key-" in name]
            dead = [key for key in keys if read(key)["expires_us"] < now]
            for key in dead:
                os.remove(path(key))
            return {"ok": len(dead)}
        there = os.path.exists(path(key))
        if op == "exists":
            return {"ok": there}
        if op == "load":
            found = read(key)
            return {"ok": found if found and found["expires_us"] > now else None}
    except ValueError:
        return failed("corrupt")
    if op == "delete":
        remove = lambda: os.path.exists(path(key)) and os.remove(path(key))
        later.append(remove) if FAULT == "deletes-later" else remove()
        return {"ok": None}
    if op == "insert" and there:
        return failed("create-error")
    if op == "update" and not there:
        return failed("update-error")
    record = {"data": request["data"], "expires_us": request["expires_us"]}
    if FAULT == "name-first" and op == "insert":
        open(path(key), "w").close()
        slow_disk()
    later.append(lambda: write(key, record)) if FAULT == "answers-first" else write(key, record)
    return {"ok": None}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
    if request["op"] == "bye":
        break
