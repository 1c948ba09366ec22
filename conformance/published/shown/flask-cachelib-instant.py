"""Flask-Session on cachelib's FileSystemCache: a session is there until its last second is over."""

import tempfile

import cachelib.file

with tempfile.TemporaryDirectory() as place:
    now = 1_900_000_000
    cachelib.file.time = lambda: now
    cache = cachelib.file.FileSystemCache(place)
    cache.set("alice", {"user": "alice"}, timeout=10)
    now += 10
    assert cache.get("alice") is not None, "it is gone, as it should be"
    now += 1
    assert cache.get("alice") is None
    print("at its end: found; a second later: not found")
