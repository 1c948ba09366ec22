"""A whole adapter for sessionspec: a store that is a dictionary. It needs Python and nothing else. Put your own store in
the place of `records`, and say in HELLO what it can do.

Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`.
"""

import json
import sys

HELLO = {
    "protocol": 1,
    "name": "python-dict",
    "version": "1.0",
    "language": "Python",
    "level": "store",  # a bare store: the suite brings the sessions
    "clock": "virtual",  # time is what `now` says, in microseconds since 1970
    "capabilities": {
        "persistent": False,  # a restart forgets everything
        "shared": False,  # there is one handle, whatever `client` says
        "server_side": True,  # the key is not the data
        "expired": "gone",  # nobody sees an expired record again
        "clear_expired": "automatic",  # so there is nothing to clear
        "max_record_bytes": None,
    },
    "values": {
        "order": "kept",
        "big_integers": "kept",
        "non_finite": "kept",
        "lone_surrogates": "kept",
        "deep_nesting": "kept",
    },
}

records = {}  # key -> {"data": {...}, "expires_us": n}


def answer(request):
    op, key, now = request["op"], request.get("key"), request.get("now")
    if op == "hello":
        return {"ok": HELLO}
    if op in ("open", "reopen"):  # fresh storage; and for a dictionary a restart is no different
        records.clear()
        return {"ok": None}
    if op in ("clear-expired", "bye"):
        return {"ok": None}
    if key in records and records[key]["expires_us"] <= now:  # at its instant a record is expired
        del records[key]
    match op:
        case "exists":
            return {"ok": key in records}
        case "load":
            return {"ok": records.get(key)}
        case "insert" if key in records:
            return {"error": {"kind": "create-error", "message": "the key is taken"}}
        case "update" if key not in records:
            return {"error": {"kind": "update-error", "message": "there is no such record"}}
        case "insert" | "update":
            records[key] = {"data": request["data"], "expires_us": request["expires_us"]}
            return {"ok": None}
        case "delete":
            records.pop(key, None)
            return {"ok": None}
    return {"error": {"kind": "protocol", "message": f"there is no operation `{op}`"}}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
    if request["op"] == "bye":
        break
