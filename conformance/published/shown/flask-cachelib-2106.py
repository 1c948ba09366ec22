"""Flask-Session on cachelib's FileSystemCache: a session cannot live beyond the year 2106."""

import struct
import tempfile
import time

from cachelib.file import FileSystemCache

with tempfile.TemporaryDirectory() as place:
    cache = FileSystemCache(place)
    century = 100 * 365 * 86400
    assert 2**32 < time.time() + century
    try:
        cache.set("alice", {"user": "alice"}, timeout=century)
    except struct.error as error:
        print(f"a session of a hundred years: {error}")
    else:
        raise SystemExit("it was stored")
