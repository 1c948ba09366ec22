"""Times Django's session engines: prints the nanoseconds that a load, an update and an insert take, as JSON.

    bench.py DIRECTORY [--redis URL] [--memcached URL] [--postgres URL]

The session and its keys are those of the Rust benchmarks, and so is what a write has survived when it is done:
the SQLite database has a write-ahead log and `synchronous = NORMAL`, and the file engine flushes nothing. Updates of
`db` are timed from eight threads at once too, each with a connection of its own; and once more with commits that are
flushed to the disk (`synchronous = FULL`).
"""

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from threading import Barrier

import project

from django.db import connections
from django.db.backends.signals import connection_created
from django.dispatch import receiver

KEYS = 10_000
ROUNDS = 5
CLIENTS = 8

BASKET = Path(__file__).parents[3] / "session-core" / "benches" / "basket.json"
DATA = json.loads(BASKET.read_text())


class Engine:
    """One of Django's session engines, where it is set up to be."""

    def __init__(self, name):
        self.session = import_module(f"django.contrib.sessions.backends.{name}").SessionStore

    def load(self, key):
        return self.session(key).load()

    def update(self, key):
        session = self.session(key)
        session._session_cache = dict(DATA)
        session.save()

    def insert(self, key):
        """The session's key, which is another one where it is the data itself."""
        session = self.session()
        session._session_key = key
        session._session_cache = dict(DATA)
        session.save(must_create=True)
        return session.session_key

    def delete(self, key):
        self.session().delete(key)

    def measure(self):
        keys = make_keys()
        for key in keys:
            # A run that was stopped has left them on a server.
            self.delete(key)
        kept = []
        insert = timed(lambda key: kept.append(self.insert(key)), keys)
        # Not in the order in which they were inserted.
        keys = [kept[n * 7_919 % KEYS] for n in range(KEYS)]
        if self.load(keys[0]) != DATA:
            raise SystemExit(f"{self.session}: a session is not what was stored")
        load = timed(self.load, keys)
        update = timed(self.update, keys)
        for key in keys:
            self.delete(key)
        return {"load": load, "update": update, "insert": insert}


def make_keys():
    """Keys that are far from each other, as those of visitors are."""
    return [f"{n * 0x9E3779B97F4A7C15 % 2**64:032}" for n in range(KEYS)]


def timed(operation, keys):
    """The median over the rounds of the mean time of one call; each round has keys of its own."""
    share = len(keys) // ROUNDS
    rounds = []
    for first in range(0, share * ROUNDS, share):
        started = time.perf_counter_ns()
        for key in keys[first : first + share]:
            operation(key)
        rounds.append((time.perf_counter_ns() - started) / share)
    return statistics.median(rounds)


class Durability:
    """What a commit to SQLite has survived, on each connection that is opened from here on."""

    synchronous = "NORMAL"


@receiver(connection_created)
def _tune(connection, **_):
    """After the project's own, which has no wait for the disk at all."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous = {Durability.synchronous}")
        # Of eight who wait for a lock one may wait for long; that is to be measured, and is no error.
        cursor.execute("PRAGMA busy_timeout = 60000")


def use_sqlite(path, synchronous="NORMAL"):
    Durability.synchronous = synchronous
    project.use_database(path)
    project.create_tables()


def timed_at_once(engine, keys):
    """As `timed`, for updates from several threads: the time that passes, by the number of all their updates."""
    share = len(keys) // ROUNDS

    def updates(keys):
        for key in keys:
            engine.update(key)

    rounds = []
    with ThreadPoolExecutor(CLIENTS) as threads:
        # A thread opens its connection when it first needs it, which does not count.
        ready = Barrier(CLIENTS)
        for opened in [threads.submit(lambda key: (engine.load(key), ready.wait()), keys[0]) for _ in range(CLIENTS)]:
            opened.result()
        for first in range(0, share * ROUNDS, share):
            lots = [keys[first + client : first + share : CLIENTS] for client in range(CLIENTS)]
            started = time.perf_counter_ns()
            for done in [threads.submit(updates, lot) for lot in lots]:
                done.result()
            rounds.append((time.perf_counter_ns() - started) / share)
        for closed in [threads.submit(lambda: (connections.close_all(), ready.wait())) for _ in range(CLIENTS)]:
            closed.result()
    return statistics.median(rounds)


def measure_at_once(path, synchronous):
    """Updates of `db` in a database of its own."""
    # To fill it needs no flushing.
    use_sqlite(path)
    engine = Engine("db")
    keys = make_keys()
    for key in keys:
        engine.insert(key)
    use_sqlite(path, synchronous)
    # Not in the order in which they were inserted.
    keys = [keys[n * 7_919 % KEYS] for n in range(KEYS)]
    return {"update": timed_at_once(engine, keys)}


def main():
    parser = argparse.ArgumentParser(description="Times Django's session engines.")
    parser.add_argument("directory", type=Path, help="where databases and files may be made")
    for server in ("redis", "memcached", "postgres"):
        parser.add_argument(f"--{server}", metavar="URL")
    options = parser.parse_args()

    figures = {}
    use_sqlite(options.directory / "django.db")
    figures["db"] = Engine("db").measure()
    figures["db, eight threads"] = measure_at_once(options.directory / "django-threads.db", "NORMAL")
    figures["db, eight threads, flushed"] = measure_at_once(options.directory / "django-flushed.db", "FULL")
    project.use_directory(options.directory / "sessions")
    project.file_engine.SessionStore.save = project.save_file
    figures["file"] = Engine("file").measure()
    figures["signed_cookies"] = Engine("signed_cookies").measure()
    # Room for every session, as the stores of Rust have it.
    project.use_cache(f"memory://{2 * KEYS}")
    figures["cache"] = Engine("cache").measure()
    figures["cached_db"] = Engine("cached_db").measure()
    for server in ("redis", "memcached"):
        if url := getattr(options, server):
            project.use_cache(url)
            figures[server] = Engine("cache").measure()
    if options.postgres:
        project.use_database(options.postgres)
        project.create_tables()
        figures["postgres"] = Engine("db").measure()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
