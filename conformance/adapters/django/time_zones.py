"""What Django stores for a site with `USE_TZ = False`, and when it takes it for expired: one JSON line per case.

    time_zones.py > ../../tables/time-zones.jsonl

Such a site writes the local time of its `TIME_ZONE`, without an offset, into `expire_date` and `_session_expiry`. The
engine is `db` on SQLite. A case is

    zone         the setting TIME_ZONE
    now          the present when the session was saved, in microseconds since 1970
    set          what `set_expiry` was given: null for nothing, ["seconds", N], ["duration", N] (a `timedelta`), or
                 ["at", TEXT] (a date, as `isoformat` writes it)
    entry        the session's `_session_expiry`
    expire_date  the text in the table's column
    error        in place of that, the exception with which the save ends
    age, date    what `get_expiry_age` and `get_expiry_date` say; or the exception's name
    then         [SECONDS, LIVE, STAYS]: whether the session opens so many seconds later, and whether it is still there
                 after `clear_expired`
"""

import json
import sys
from datetime import datetime, timedelta

import project

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

SECOND = 1_000_000


def instant(text):
    return (datetime.fromisoformat(text) - project.EPOCH) // project.MICROSECOND


# Noon in winter and in summer, and around the two nights on which Chicago changes its clocks.
NOON = ["2030-01-15T12:00:00+00:00", "2030-07-15T12:00:00+00:00"]
NIGHTS = [
    "2030-03-10T07:30:00+00:00",  # 01:30, half an hour before 02:00 becomes 03:00
    "2030-03-10T08:00:00+00:00",  # 03:00, the first moment after
    "2030-11-03T06:30:00+00:00",  # 01:30 for the first time, half an hour before 02:00 becomes 01:00
    "2030-11-03T07:30:00+00:00",  # 01:30 for the second time
    "2030-11-03T07:30:00.123456+00:00",
]
PRESENTS = {"Asia/Tokyo": NOON, "America/Chicago": NOON + NIGHTS, "UTC": NOON[:1]}

EXPIRIES = [
    None,
    ["seconds", 0],
    ["seconds", 1800],
    ["seconds", 5400],
    ["seconds", -3600],
    ["duration", 1800],
    ["duration", 5400],
    ["at", "2030-12-31T23:59:59"],
    ["at", "2030-03-10T02:30:00"],
    ["at", "2030-11-03T01:30:00"],
    ["at", "2030-12-31T23:59:59+00:00"],
]

LATER = [-7200, -3601, -3600, -1, 0, 1799, 1800, 1801, 3599, 3600, 3601, 5399, 5400, 5401, 9000, 1_209_600, 1_213_200]


def expiry(given):
    match given:
        case None:
            return None
        case ["seconds", seconds]:
            return seconds
        case ["duration", seconds]:
            return timedelta(seconds=seconds)
        case ["at", text]:
            return datetime.fromisoformat(text)


def tried(function):
    try:
        return function()
    except Exception as error:
        return type(error).__name__


def rows():
    with connections[project.CLIENTS[0]].cursor() as cursor:
        # As it stands there: Django's own cursor would make a date of it.
        cursor.execute("SELECT session_key, session_data, CAST(expire_date AS TEXT) FROM django_session")
        return cursor.fetchall()


def case(zone, now, given):
    project.clock.set(now)
    with connections[project.CLIENTS[0]].cursor() as cursor:
        cursor.execute("DELETE FROM django_session")
    session = SessionStore()
    session["a"] = 1
    if given:
        session.set_expiry(expiry(given))
    line = {"zone": zone, "now": now, "set": given, "entry": session.get("_session_expiry")}
    age, date = tried(session.get_expiry_age), tried(lambda: session.get_expiry_date().isoformat())
    try:
        session.save()
    except Exception as error:
        return line | {"error": type(error).__name__, "age": age, "date": date}
    [row] = rows()
    then = []
    for later in LATER:
        project.clock.set(now + later * SECOND)
        live = SessionStore(row[0]).get("a") == 1
        SessionStore.clear_expired()
        stays = bool(rows())
        then.append([later, live, stays])
        if not stays:
            with connections[project.CLIENTS[0]].cursor() as cursor:
                cursor.execute("INSERT INTO django_session VALUES (%s, %s, %s)", row)
    return line | {"expire_date": row[2], "age": age, "date": date, "then": then}


def main():
    project.use_database("file:zones?mode=memory&cache=shared")
    project.create_tables()
    for zone, presents in PRESENTS.items():
        project.use_local_time(zone)
        for present in presents:
            for given in EXPIRIES:
                print(json.dumps(case(zone, instant(present), given), separators=(",", ":")))


if __name__ == "__main__":
    main()
