"""A Django project in one module: settings, a clock, and one SQLite file with two connections to it.

Importing it configures Django, so it comes before anything that imports a model. Nothing in here knows
the protocol; `adapter.py` and `crossread.py` are its users.
"""

import os
import sys
from datetime import datetime, timedelta, timezone as tz
from types import SimpleNamespace

try:
    import django
except ImportError:
    message = (
        f"error: {sys.executable} has no Django; get it with `python3 -m venv venv && "
        "venv/bin/pip install Django` and start this program with venv/bin/python"
    )
    print(message, file=sys.stderr)
    sys.exit(2)

from django.conf import settings
from django.db.backends.signals import connection_created
from django.dispatch import receiver

EPOCH = datetime(1970, 1, 1, tzinfo=tz.utc)
MICROSECOND = timedelta(microseconds=1)

# One alias per client. Django opens a connection per alias, so two aliases for one file are two
# independent connections to it, as two processes would have.
CLIENTS = ("default", "second")


class TurnRouter:
    """Sends each query to the connection of the client whose turn it is."""

    def __init__(self):
        self.alias = CLIENTS[0]

    def db_for_read(self, model, **hints):
        return self.alias

    db_for_write = db_for_read


class Clock:
    """Django's time: the machine's until it is set, and then what it was set to."""

    def __init__(self):
        self.fixed = None

    def now(self):
        return self.fixed or datetime.now(tz.utc)

    def time(self):
        return self.now().timestamp()

    def set(self, microseconds):
        self.fixed = EPOCH + timedelta(microseconds=microseconds)


router = TurnRouter()
clock = Clock()

settings.configure(
    SECRET_KEY="sessionspec",
    INSTALLED_APPS=["django.contrib.sessions"],
    DATABASES={alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": os.devnull} for alias in CLIENTS},
    DATABASE_ROUTERS=[router],
    TIME_ZONE="UTC",
    USE_TZ=True,
    # The caller decides where log lines go.
    LOGGING_CONFIG=None,
)
django.setup()

# These read the settings when they are imported, so they come after them.
from django.core import signing
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

# Everything that the session engines and the signer know about time comes through these two names.
timezone.now = clock.now
signing.time = SimpleNamespace(time=clock.time)


@receiver(connection_created)
def _tune(connection, **_):
    """Readers and a writer side by side; no wait for the disk, since no power failure is played."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = OFF")


def microseconds(instant):
    """An instant as microseconds since 1970; one without an offset is UTC, as the settings have it."""
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=tz.utc)
    return (instant - EPOCH) // MICROSECOND


def use_database(path):
    """Points every client at the file. Connections are opened when they are first needed."""
    close_database()
    for alias in CLIENTS:
        connections[alias].settings_dict["NAME"] = str(path)


def close_database():
    for alias in CLIENTS:
        connections[alias].close()


def use_cache(url):
    """Points the default cache at a server: `redis://…` or `memcached://HOST:PORT`; nothing else may be open."""
    from django.core.cache import caches

    if url.startswith("memcached://"):
        backend, location = "django.core.cache.backends.memcached.PyMemcacheCache", url.partition("://")[2]
    else:
        backend, location = "django.core.cache.backends.redis.RedisCache", url
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location}}
    # The handler remembers the settings it has seen.
    caches.__dict__.pop("settings", None)
    caches._settings = None


def create_tables():
    """What `manage.py migrate --fake-initial` does: a table that is there already stays as it is."""
    call_command("migrate", fake_initial=True, verbosity=0)
