"""A store that gets, sets and destroys, with a fault that the first argument names:

none       none; numbers are floats, as in JavaScript
exact      as `none`, but it says that numbers are exact
lasting    `destroy` does nothing
touchy     `touch` does nothing
late       a record lives a second too long
jealous    `set` refuses a key that is taken
keyed      `set` answers with another key
cookie     it says that the key is the data
kept       it says that expired records hold their keys
keeping    it says that a restart forgets everything, and keeps it
core       as `keeping`, in the profile `core`
flask      it names a profile that there is not
bulk       as `none`; it lists, counts and removes all sessions
stale      as `bulk`, but its list has what has expired
mute       as `bulk`, but its `length` answers null
bare       as `bulk`, but its list has the key among the entries of each
hollow     as `bulk`, but the sessions of its list tell nothing
other      as `bulk`, with another storage, and records that can be damaged
leaking    as `other`, but `destroy` reaches both storages
stuffed    as `other`, but `open` does not empty the other storage
"""

import json
import sys

FAULT = sys.argv[1]
OTHER = ("other", "leaking", "stuffed")
BULK = ("bulk", "stale", "mute", "bare", "hollow", *OTHER)
HELLO = {
    "protocol": 1,
    "name": f"key-value-{FAULT}",
    "level": "key-value",
    "profile": FAULT if FAULT in ("core", "flask") else "django",
    "clock": "virtual",
    "capabilities": {
        "persistent": False,
        "shared": False,
        "server_side": FAULT != "cookie",
        "expired": "kept" if FAULT == "kept" else "gone",
        "clear_expired": "automatic",
        "other_storage": FAULT in OTHER,
    },
    "values": {
        "order": "lost",
        "numbers": "exact" if FAULT == "exact" else "doubles",
        "big_integers": "unsupported",
        "non_finite": "unsupported",
        "lone_surrogates": "kept",
        "deep_nesting": "kept",
    },
    "operations": ["touch", *(["all", "length", "clear"] if FAULT in BULK else [])],
    "hooks": ["damage"] if FAULT in OTHER else [],
}

storages = [{}, {}]  # the first for clients 0 and 1, the second for client 2


def as_doubles(value):
    """The value with every number a float, and names in another order."""
    if isinstance(value, dict):
        return {name: as_doubles(value[name]) for name in sorted(value, reverse=True)}
    if isinstance(value, list):
        return [as_doubles(element) for element in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def answer(request):
    op, key = request["op"], request.get("key")
    if op == "hello":
        return {"ok": HELLO}
    if op in ("open", "reopen"):
        for records in storages[:1] if FAULT == "stuffed" else storages:
            if op == "open" or FAULT not in ("keeping", "core"):
                records.clear()
        return {"ok": None}
    records = storages[request.get("client") == 2]
    late = 1_000_000 if FAULT == "late" else 0
    if key in records and records[key]["expires_us"] + late <= request["now"]:
        del records[key]
    if op == "damage":
        return {"ok": bool(key in records and records[key].update(data=None) is None)}
    if op in ("get", "all") and any(record["data"] is None for at, record in records.items() if key in (None, at)):
        return {"error": {"kind": "corrupt", "message": "it was damaged"}}
    if op == "all" and FAULT == "hollow":
        return {"ok": [{} for _ in records]}
    if op == "all" and FAULT == "bare":
        return {"ok": [{"data": {"sid": at, **record["data"]}} for at, record in records.items()]}
    if op == "all":
        live = [r for r in records.values() if r["expires_us"] > request["now"] or FAULT == "stale"]
        return {"ok": [{"data": as_doubles(record["data"])} for record in live]}
    if op == "length":
        return {"ok": None if FAULT == "mute" else len(records)}
    if op == "clear":
        return {"ok": records.clear()}
    if op == "get":
        found = records.get(key)
        return {"ok": found and {"data": as_doubles(found["data"])}}
    if op == "set" and FAULT == "jealous" and key in records:
        return {"error": {"kind": "create-error", "message": "the key is taken"}}
    if op == "set":
        records[key] = {"data": request["data"], "expires_us": request["expires_us"]}
    if op == "touch" and FAULT != "touchy" and key in records:
        records[key] = {**records[key], "expires_us": request["expires_us"]}
    if op == "destroy" and FAULT != "lasting":
        for reached in storages if FAULT == "leaking" else [records]:
            reached.pop(key, None)
    if op in ("set", "touch", "destroy", "bye"):
        return {"ok": "another-key" if FAULT == "keyed" and op == "set" else None}
    return {"error": {"kind": "protocol", "message": f"there is no operation `{op}`"}}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
