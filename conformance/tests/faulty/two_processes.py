"""A store on SQLite that two processes use at the same time, with a fault that the first argument names:

none         each operation is one statement
asks-first   an insertion looks whether the key is taken, and then puts the record there
puts-back    an update looks whether there is a record, and then puts the new one there
neighbours   an update reads all records, and writes all of them
alone        as `asks-first`, but it does not say that two processes may use it

And with `get`, `set`, `destroy` and `touch`:

touches      a touch is one statement
rewrites     a touch reads the record, and puts it there again
"""

import json
import sqlite3
import sys
import time

FAULT = sys.argv[1]
KEY_VALUE = FAULT in ("touches", "rewrites")
HELLO = {
    "protocol": 1,
    "name": f"two-processes-{FAULT}",
    "level": "key-value" if KEY_VALUE else "store",
    "operations": ["touch"] if KEY_VALUE else [],
    "clock": "virtual",
    "capabilities": {
        "persistent": True,
        "shared": True,
        "server_side": True,
        "expired": "gone" if KEY_VALUE else "kept",
        "clear_expired": "sweeps",
    },
    "values": {
        "order": "kept",
        "big_integers": "kept",
        "non_finite": "kept",
        "lone_surrogates": "kept",
        "deep_nesting": "kept",
    },
    "hooks": [] if FAULT == "alone" else ["second-process"],
}
PUT = "INSERT OR REPLACE INTO sessions (data, expires, key) VALUES (?, ?, ?)"

directory = database = None


def ask(statement, *parameters):
    return database.execute(statement, parameters)


def there(key):
    return ask("SELECT 1 FROM sessions WHERE key = ?", key).fetchone() is not None


def failed(kind):
    return {"error": {"kind": kind, "message": kind}}


def answer(request):
    global directory, database
    op, key, now = request["op"], request.get("key"), request.get("now")
    if op == "hello":
        return {"ok": HELLO}
    if op == "bye":
        return {"ok": None}
    if op in ("open", "reopen"):
        directory = request.get("dir", directory)
        database = sqlite3.connect(f"{directory}/sessions.db", isolation_level=None, timeout=10)
        ask("CREATE TABLE IF NOT EXISTS sessions (key TEXT PRIMARY KEY, data TEXT, expires INTEGER)")
        if op == "open" and not request.get("keep"):
            ask("DELETE FROM sessions")
        return {"ok": None}
    if op == "clear-expired":
        return {"ok": ask("DELETE FROM sessions WHERE expires < ?", now).rowcount}
    if op == "exists":
        return {"ok": there(key)}
    if op in ("load", "get"):
        found = ask("SELECT data, expires FROM sessions WHERE key = ? AND expires > ?", key, now).fetchone()
        return {"ok": found and {"data": json.loads(found[0]), "expires_us": found[1]}}
    if op in ("delete", "destroy"):
        ask("DELETE FROM sessions WHERE key = ?", key)
        return {"ok": None}
    record = (json.dumps(request["data"]), request["expires_us"], key)
    if op == "set":
        ask(PUT, *record)
    elif op == "touch" and FAULT == "touches":
        ask("UPDATE sessions SET expires = ? WHERE key = ?", *record[1:])
    elif op == "touch":
        found = ask("SELECT data FROM sessions WHERE key = ?", key).fetchone()
        time.sleep(0.002)
        if found:
            ask(PUT, found[0], *record[1:])
    elif op == "insert" and FAULT in ("asks-first", "alone"):
        if there(key):
            return failed("create-error")
        time.sleep(0.002)  # so that the other process comes between
        ask(PUT, *record)
    elif op == "insert":
        try:
            ask("INSERT INTO sessions (data, expires, key) VALUES (?, ?, ?)", *record)
        except sqlite3.IntegrityError:
            return failed("create-error")
    elif FAULT == "puts-back":
        if not there(key):
            return failed("update-error")
        time.sleep(0.002)
        ask(PUT, *record)
    elif FAULT == "neighbours":
        if not there(key):
            return failed("update-error")
        found = ask("SELECT data, expires, key FROM sessions WHERE key != ?", key).fetchall()
        time.sleep(0.002)
        for each in (*found, record):
            ask("UPDATE sessions SET data = ?, expires = ? WHERE key = ?", *each)
    elif ask("UPDATE sessions SET data = ?, expires = ? WHERE key = ?", *record).rowcount == 0:
        return failed("update-error")
    return {"ok": None}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answered = answer(request)
    except sqlite3.Error as error:
        answered = {"error": {"kind": "unavailable", "message": str(error)}}
    print(json.dumps({"id": request["id"], **answered}), flush=True)
    if request["op"] == "bye":
        break
