"""A store that is a dictionary and reads a clock of its own, with a fault that the first argument names:

none   a record is gone at the instant at which it expires
late   it is gone a second later
mute   as `none`, but it does not tell its time
"""

import json
import sys
import time

FAULT = sys.argv[1]
HELLO = {
    "protocol": 1,
    "name": f"clock-{FAULT}",
    "level": "store",
    "clock": "moved",
    "capabilities": {
        "persistent": False,
        "shared": False,
        "server_side": True,
        "expired": "gone",
        "clear_expired": "automatic",
    },
    "values": {
        "order": "kept",
        "big_integers": "kept",
        "non_finite": "kept",
        "lone_surrogates": "kept",
        "deep_nesting": "kept",
    },
}

records = {}


def now():
    return time.time_ns() // 1000


def answer(request):
    op, key = request["op"], request.get("key")
    if op == "hello":
        return {"ok": HELLO}
    if op == "now" and FAULT != "mute":
        return {"ok": now()}
    if op in ("open", "reopen"):
        records.clear()
        return {"ok": None}
    if op in ("clear-expired", "bye"):
        return {"ok": None}
    late = 1_000_000 if FAULT == "late" else 0
    if key in records and records[key]["expires_us"] + late <= now():
        del records[key]
    if op == "exists":
        return {"ok": key in records}
    if op == "load":
        return {"ok": records.get(key)}
    if op == "insert" and key in records:
        return {"error": {"kind": "create-error", "message": "the key is taken"}}
    if op == "update" and key not in records:
        return {"error": {"kind": "update-error", "message": "there is no such record"}}
    if op in ("insert", "update"):
        records[key] = {"data": request["data"], "expires_us": request["expires_us"]}
        return {"ok": None}
    if op == "delete":
        records.pop(key, None)
        return {"ok": None}
    return {"error": {"kind": "protocol", "message": f"there is no operation `{op}`"}}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
    if request["op"] == "bye":
        break
