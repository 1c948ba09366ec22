"""Times Django's `db` engine: prints the nanoseconds that a load, an update and an insert take, as JSON.

    bench.py DIRECTORY

The database is made as the Rust store makes its own: a write-ahead log, and `synchronous = NORMAL`. The
session is the one of the Rust benchmarks.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import project

from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

KEYS = 2_000
ROUNDS = 5

DATA = {
    "_auth_user_id": "4211",
    "_auth_user_hash": "3f0c8e5b" * 8,
    "cart": [{"sku": f"A-{n * 7919}", "count": n} for n in range(12)],
}


def load(key):
    SessionStore(key).load()


def update(key):
    session = SessionStore(key)
    session._session_cache = dict(DATA)
    session.save()


def insert(key):
    session = SessionStore()
    session._session_key = key
    session._session_cache = dict(DATA)
    session.save(must_create=True)


def nanoseconds(operation, keys):
    """The median over the rounds of the mean time of one call; each round has keys of its own."""
    share = len(keys) // ROUNDS
    rounds = []
    for first in range(0, share * ROUNDS, share):
        started = time.perf_counter_ns()
        for key in keys[first : first + share]:
            operation(key)
        rounds.append((time.perf_counter_ns() - started) / share)
    return statistics.median(rounds)


project.use_database(Path(sys.argv[1]) / "django.db")
project.create_tables()
with connections["default"].cursor() as cursor:
    cursor.execute("PRAGMA synchronous = NORMAL")

keys = [f"{n * 7919 % KEYS:032}" for n in range(KEYS)]
print(json.dumps({"insert": nanoseconds(insert, keys), "load": nanoseconds(load, keys), "update": nanoseconds(update, keys)}))
