"""A Django project in one module: settings, a clock, and one database with two connections to it.

Importing it configures Django, so it comes before anything that imports a model. Nothing in here knows
the protocol; `adapter.py`, `crossread.py` and the benchmarks are its users.
"""

import os
import shutil
import sys
from datetime import datetime, timedelta, timezone as tz
from pathlib import Path
from time import tzset
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import places

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

    def instant(self):
        return self.fixed or datetime.now(tz.utc)

    def now(self):
        """As `timezone.now` has it: with `USE_TZ = False` local time, without an offset."""
        instant = self.instant()
        return instant if settings.USE_TZ else instant.astimezone(ZoneInfo(settings.TIME_ZONE)).replace(tzinfo=None)

    def time(self):
        return self.instant().timestamp()

    def set(self, microseconds):
        self.fixed = EPOCH + timedelta(microseconds=microseconds)


router = TurnRouter()
clock = Clock()

settings.configure(
    SECRET_KEY="sessionspec",
    INSTALLED_APPS=["django.contrib.sessions"],
    DATABASES={alias: places.database(os.devnull) for alias in CLIENTS},
    DATABASE_ROUTERS=[router],
    TIME_ZONE="UTC",
    USE_TZ=True,
    # The caller decides where log lines go.
    LOGGING_CONFIG=None,
)
django.setup()

# These read the settings when they are imported, so they come after them.
from django.contrib.sessions.backends import file as file_engine
from django.core import signing
from django.core.cache import caches
from django.core.cache.backends import base as cache_base, locmem
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

# Everything that the session engines and the signer know about time comes through these two names.
timezone.now = clock.now
signing.time = locmem.time = cache_base.time = SimpleNamespace(time=clock.time)


@receiver(connection_created)
def _tune(connection, **_):
    """Readers and a writer side by side; no wait for the disk, since no power failure is played."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = OFF")


def microseconds(instant):
    """An instant as microseconds since 1970; one without an offset is UTC, as the settings have it."""
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=tz.utc)
    return (instant - EPOCH) // MICROSECOND


def use_local_time(zone):
    """Makes this a site with `USE_TZ = False` in a time zone, as it would be had the settings always said so."""
    close_database()
    settings.USE_TZ = False
    settings.TIME_ZONE = os.environ["TZ"] = zone
    tzset()
    timezone.get_default_timezone.cache_clear()
    for alias in CLIENTS:
        # They remember the zone.
        del connections[alias]


def use_database(place):
    """Points every client at a SQLite file or a PostgreSQL URL. Connections are opened when they are needed."""
    close_database()
    for alias in CLIENTS:
        connections.settings[alias].update(places.database(place))
        # Made anew, with the class that the settings name now.
        del connections[alias]


def close_database():
    for alias in CLIENTS:
        connections[alias].close()


def use_directory(path):
    """Points the file engine at an empty directory."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    settings.SESSION_FILE_PATH = str(path)
    # The engine remembers the directory it has seen.
    if "_storage_path" in vars(file_engine.SessionStore):
        del file_engine.SessionStore._storage_path


# As Django has it, for who wants to measure it.
save_file = file_engine.SessionStore.save


def _save_in_our_time(session, must_create=False):
    """The file engine's time is the one at which the file was modified, which the machine's clock sets."""
    save_file(session, must_create)
    os.utime(session._key_to_file(), times=(clock.time(), clock.time()))


file_engine.SessionStore.save = _save_in_our_time


def damage_file(session):
    """Overwrites the session's file, so that it expires when it did."""
    path = session._key_to_file()
    if not os.path.exists(path):
        return False
    data = session.decode(Path(path).read_text())
    try:
        expires = session.get_expiry_date(
            modification=session._last_modification(), expiry=data.get("_session_expiry")
        ).timestamp()
    except OverflowError:
        expires = datetime.max.replace(tzinfo=tz.utc).timestamp()
    Path(path).write_text("damaged")
    modified = expires - settings.SESSION_COOKIE_AGE
    os.utime(path, times=(modified, modified))
    return True


def clear_cache():
    caches["default"].clear()


def use_cache(url):
    """Points the default cache at a server, or at the memory of this process, as `places.cache` has them."""
    caches["default"].close()
    del caches["default"]
    settings.CACHES = {"default": places.cache(url)}
    # The handler remembers the settings it has seen.
    caches.__dict__.pop("settings", None)
    caches._settings = None


def create_tables():
    """What `manage.py migrate --fake-initial` does: a table that is there already stays as it is."""
    call_command("migrate", fake_initial=True, verbosity=0)
