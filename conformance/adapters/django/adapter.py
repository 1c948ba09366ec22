"""Drives Django's session engines for sessionspec: one JSON request per line on stdin, one answer each.

    adapter.py --engine db
    adapter.py --engine db --async

The engines are those of Django: db, file, signed_cookies, cache (on local memory) and cached_db (on both). With
`--async` the sessions are driven by their asynchronous methods, in one event loop.
The requests and answers are those of the session-level protocol in the guide "Write an adapter in any
language". Django's own code does all the work; only time and randomness are put under control.
"""

import argparse
import json
import logging
import os
import platform
import sys
import traceback
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta, timezone as tz
from functools import partial
from pathlib import Path

import asynchronous
import project

import django
from django.conf import settings
from django.contrib.sessions.backends import base
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.db import connections
from django.utils.module_loading import import_string

DRAWN_KEY_STAYS = {
    "lifecycle.create.failed-leaves-no-key": (
        "Django leaves the object with the key drawn for it, under which nothing is stored."
    ),
}

UNKNOWN_GETS_A_KEY = {
    "lifecycle.save.unknown-unread": (
        "Django raises UpdateError but leaves the object with a random key that was never stored."
    ),
}

NO_CALENDAR = {
    "expiry.range": "Django stores no date here, so an expiry in seconds may lie beyond every calendar.",
}

NO_EXPIRY_ON_SAVE = {
    "expiry.unreadable": "Django does not look at the expiry when it saves; what cannot be read is stored.",
}

FILE_ERRATA = {
    "key.hostile": "Django raises InvalidSessionKey where a key could not be a file's name.",
    "expiry.boundary": (
        "Django takes an expiry in seconds for the time that is left, however old the file is: such a session "
        "never expires."
    ),
    "expiry.default": "Django rounds the time that is left down: a session is over when a second is left.",
    "expiry.duration": "Django rounds the time that is left down: a session is over when a second is left.",
    "expiry.not-early": "Django rounds the time that is left down: a session is over when a second is left.",
    "expiry.kept": "Django removes a session that has expired when it is read.",
    "expiry.dead": "Django puts a new session, with a key of its own, in the place of one that has expired.",
    "expiry.clear.removes": "Django leaves the sessions whose expiry is a number of seconds.",
}

COOKIE_ERRATA = {
    "lifecycle.create.stores": "Django marks the object modified and leaves it to a save to make the cookie.",
    "lifecycle.create.unread": "Django marks the object modified and leaves it to a save to make the cookie.",
    "key.tampered": "Django marks the object modified when the cookie cannot be read.",
    "lifecycle.save.flags": "Django sets `modified` whenever a cookie is made.",
    "lifecycle.delete.keeps-object": "Django empties the object and forgets its key.",
    "lifecycle.exists.unsupported": "Django answers false for every key.",
    "expiry.signed-seconds": (
        "Django knows the age of cookies only, so that a session's own expiry is not looked at; and at the "
        "very instant the cookie still loads."
    ),
}

# What a session that is gone answers where an entry is taken out, and what a new one in its place shows when it is saved.
LOST_TOO_EARLY = [
    ("pop", "outcome", "key-error"),
    ("remove", "outcome", "key-error"),
    ("delete-test-cookie", "outcome", "key-error"),
    ("save", "modified", "true"),
]

# How they show, beside what the golden trace of each rule shows: at which operation, in what, and what is seen.
FILE_SEEN = {
    "key.hostile": [("*", "outcome", "unavailable")],
    "expiry.dead": [
        ("*", "key", "other"),
        ("*", "key", "known"),
        ("save", "outcome", "ok"),
        ("pop", "outcome", "ok"),
        ("remove", "outcome", "ok"),
        ("delete-test-cookie", "outcome", "ok"),
    ],
    "expiry.kept": [("exists", "answer", "false"), ("save", "outcome", "update-error")],
    "expiry.not-early": [
        ("*", "key", "none"),
        ("*", "key", "other"),
        ("exists", "answer", "false"),
        *LOST_TOO_EARLY,
    ],
    "expiry.default": [
        *LOST_TOO_EARLY,
        ("save", "outcome", "update-error"),
        ("save-must-create", "outcome", "ok"),
        ("*", "key", "none"),
        ("*", "key", "other"),
        ("*", "key", "known"),
    ],
    "expiry.duration": [
        *LOST_TOO_EARLY,
        ("save", "outcome", "update-error"),
        ("save-must-create", "outcome", "ok"),
        ("*", "key", "none"),
        ("*", "key", "other"),
        ("*", "key", "known"),
        ("*", "answer", "nothing"),
        ("*", "answer", "other"),
    ],
    "expiry.clear.removes": [("*", "key", "known")],
}

CACHE_SEEN = {
    # The engine on a cache asks whether the record is there, and does nothing else.
    "lifecycle.save.unknown-unread": [
        ("save", "key", "known"),
        ("save", "key", "other"),
        ("save", "accessed", "false"),
    ],
}

CACHE_KEEPS_THE_KEY = {
    "lifecycle.save.unknown-unread": "Django raises UpdateError without reading, and the object keeps its key.",
}

CACHE_ERRATA = {
    "expiry.duration": "Django gives the cache a life in whole seconds, rounded down.",
}

# Of every engine, where it is driven by its asynchronous methods.
ASYNC_ERRATA = {
    "testcookie.delete": "Django does not set `modified` when the test cookie is deleted asynchronously.",
}

# What each engine says of itself, where it is not what `db` says.
ENGINES = {
    "db": {"errata": DRAWN_KEY_STAYS | UNKNOWN_GETS_A_KEY},
    "file": {
        "errata": DRAWN_KEY_STAYS | UNKNOWN_GETS_A_KEY | NO_CALENDAR | NO_EXPIRY_ON_SAVE | FILE_ERRATA,
        "seen": FILE_SEEN,
    },
    "signed_cookies": {
        "capabilities": {"server_side": False, "clear_expired": "automatic"},
        "hooks": ["rotate"],
        "errata": NO_CALENDAR | NO_EXPIRY_ON_SAVE | COOKIE_ERRATA,
    },
    "cache": {
        "capabilities": {"persistent": False, "expired": "gone", "clear_expired": "automatic"},
        "hooks": ["force-keys"],
        "errata": DRAWN_KEY_STAYS | CACHE_KEEPS_THE_KEY | NO_CALENDAR | CACHE_ERRATA,
        "seen": CACHE_SEEN,
    },
    "cached_db": {"errata": DRAWN_KEY_STAYS | UNKNOWN_GETS_A_KEY},
}


class ProtocolError(Exception):
    """The request is not one of the protocol; the store has not been asked."""


class Request(dict):
    def __missing__(self, field):
        raise ProtocolError(f"`{self.get('op')}` needs the field `{field}`")


# ---- the operations on a session object: each takes it and the request, and returns the answer


def get(session, request):
    absent = object()
    value = session.get(request["name"], absent)
    return None if value is absent else {"value": value}


def push(session, request):
    stored = session.get(request["name"])
    if not isinstance(stored, list):
        return False
    stored.append(request["value"])
    return True


def expiry_from(fields):
    """What `set_expiry` takes, from the form it has on the wire."""
    match fields:
        case None:
            return None
        case {"seconds": int(seconds)}:
            return seconds
        case {"duration_us": int(duration)}:
            return timedelta(microseconds=duration)
        case {"at_us": int(at)}:
            # Reckoned in local time: an instant at the edge of the calendar may exist in its own offset only.
            offset = timedelta(minutes=fields.get("offset_minutes", 0))
            return datetime(1970, 1, 1, tzinfo=tz(offset)) + (timedelta(microseconds=at) + offset)
    raise ProtocolError("an expiry is null, or has one of `seconds`, `duration_us` and `at_us`")


def expiry_arguments(request):
    """The keyword arguments of `get_expiry_age` and `get_expiry_date`; an absent field is not given."""
    arguments = {}
    if "modification_us" in request:
        arguments["modification"] = project.EPOCH + timedelta(microseconds=request["modification_us"])
    if "expiry" in request:
        arguments["expiry"] = expiry_from(request["expiry"])
    return arguments


SESSION_OPS = {
    "get": get,
    "contains": lambda s, r: r["name"] in s,
    "set": lambda s, r: s.__setitem__(r["name"], r["value"]),
    "set-default": lambda s, r: {"value": s.setdefault(r["name"], r["value"])},
    "pop": lambda s, r: {"value": s.pop(r["name"])},
    "pop-default": lambda s, r: {"value": s.pop(r["name"], r["value"])},
    "remove": lambda s, r: s.__delitem__(r["name"]),
    "update": lambda s, r: s.update(r["items"]),
    "push": push,
    "clear": lambda s, r: s.clear(),
    "keys": lambda s, r: list(s.keys()),
    "values": lambda s, r: list(s.values()),
    "items": lambda s, r: dict(s.items()),
    "is-empty": lambda s, r: s.is_empty(),
    "set-test-cookie": lambda s, r: s.set_test_cookie(),
    "test-cookie-worked": lambda s, r: s.test_cookie_worked(),
    "delete-test-cookie": lambda s, r: s.delete_test_cookie(),
    "set-expiry": lambda s, r: s.set_expiry(expiry_from(r["expiry"])),
    "get-expiry-age": lambda s, r: s.get_expiry_age(**expiry_arguments(r)),
    "get-expiry-date": lambda s, r: project.microseconds(s.get_expiry_date(**expiry_arguments(r))),
    "get-expire-at-browser-close": lambda s, r: s.get_expire_at_browser_close(),
    "get-session-cookie-age": lambda s, r: s.get_session_cookie_age(),
    "save": lambda s, r: s.save(),
    "save-must-create": lambda s, r: s.save(must_create=True),
    "create": lambda s, r: s.create(),
    "delete": lambda s, r: s.delete(),
    "flush": lambda s, r: s.flush(),
    "cycle-key": lambda s, r: s.cycle_key(),
}

# ---- errors: the functions of Django whose failure means more than the exception's type says

EXPIRY_METHODS = {"get_expiry_age", "get_expiry_date", "set_expiry"}
EXPIRY_FUNCTIONS = EXPIRY_METHODS | {f"a{name}" for name in EXPIRY_METHODS} | {"expiry_from", "expiry_arguments"}


def error_kind(error):
    """The protocol's name for what the store answered with an exception."""
    match error:
        case KeyError():
            return "key-error"
        case CreateError():
            return "create-error"
        case UpdateError():
            return "update-error"
        case OverflowError():
            return "invalid-expiry"
    passed = {frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)}
    if isinstance(error, (TypeError, ValueError)) and passed & EXPIRY_FUNCTIONS:
        return "invalid-expiry"
    if "encode" in passed:
        return "unrepresentable"
    return "unavailable"


def nothing(request):
    return None


def failure(kind, message):
    return {"error": {"kind": kind, "message": str(message)}}


def shown(seen, rule):
    """How an erratum shows, as the manifest has it."""
    return [{"op": op, "aspect": aspect, "seen": value} for op, aspect, value in seen.get(rule, [])]


class Adapter:
    """The state between two requests: the open database, and the session objects by their numbers."""

    def __init__(self, engine, is_async):
        self.engine = engine
        self.is_async = is_async
        self.store_class = import_string(f"django.contrib.sessions.backends.{engine}.SessionStore")
        self.sessions = {}
        self.opened = False
        self.database = None
        self.fresh_database = None
        self.forced_keys = deque()
        random_string = base.get_random_string
        base.get_random_string = lambda *args: (
            self.forced_keys.popleft() if self.forced_keys else random_string(*args)
        )
        self.storage_ops = {
            "hello": self.hello,
            "open": partial(self.apart, self.open),
            "reopen": partial(self.apart, self.reopen),
            "rotate": partial(self.apart, self.rotate),
            "exists": lambda r: self.session_object().exists(r["key"]),
            "delete-key": lambda r: self.session_object().delete(r["key"]),
            "clear-expired": lambda r: self.session_object().clear_expired(),
            "force-keys": lambda r: self.forced_keys.extend(r["keys"]),
            "damage": partial(self.apart, self.damage),
            "bye": nothing,
        }

    def session_object(self, key=None):
        session = self.store_class(key)
        return asynchronous.Asynchronous(session) if self.is_async else session

    def apart(self, function, request):
        """Does something that is not for the sessions' methods, where the sessions have their connections."""
        return asynchronous.in_thread(function, request) if self.is_async else function(request)

    def hello(self, request):
        if request["protocol"] != 1:
            raise ProtocolError(f"this adapter speaks protocol 1, not {request['protocol']}")
        own = ENGINES[self.engine]
        errata = own.get("errata", {}) | (ASYNC_ERRATA if self.is_async else {})
        seen = own.get("seen", {})
        return {
            "protocol": 1,
            "name": f"django-{self.engine}" + ("-async" if self.is_async else ""),
            "version": django.get_version(),
            "language": f"Python {platform.python_version()}",
            "level": "session",
            "clock": "virtual",
            "capabilities": {
                "persistent": True,
                "shared": True,
                "server_side": True,
                "expired": "kept",
                "clear_expired": "sweeps",
                "max_record_bytes": None,
                **own.get("capabilities", {}),
            },
            "values": {
                "order": "kept",
                "big_integers": "kept",
                "non_finite": "kept",
                "lone_surrogates": "kept",
                "deep_nesting": "kept",
            },
            "hooks": own.get("hooks", ["force-keys", "damage"]),
            "errata": [
                {"rule": rule, "reason": reason, "seen": shown(seen, rule)} for rule, reason in errata.items()
            ],
        }

    def open(self, request):
        """Fresh and empty storage. Traces are many and short, so a database that is open is emptied."""
        wanted = Request(request["settings"], op="open")
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "sessionspec", []
        settings.SESSION_COOKIE_AGE = wanted["cookie_age"]
        settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = wanted["expire_at_browser_close"]
        self.sessions.clear()
        self.forced_keys.clear()
        self.opened = True
        project.clear_cache()
        project.use_directory(Path(request["dir"], "sessions"))
        if self.engine in ("db", "cached_db"):
            self.open_database(request)

    def open_database(self, request):
        path = Path(request["dir"], "sessions.sqlite3")
        if path == self.database and path.exists():
            with connections[project.CLIENTS[0]].cursor() as cursor:
                cursor.execute("DELETE FROM django_session")
            return
        self.database = None
        project.use_database(path)
        for left_over in (path, f"{path}-wal", f"{path}-shm"):
            with suppress(FileNotFoundError):
                os.remove(left_over)
        if self.fresh_database is None:
            project.create_tables()
            project.close_database()
            self.fresh_database = path.read_bytes()
        else:
            path.write_bytes(self.fresh_database)
        self.database = path

    def reopen(self, request):
        self.sessions.clear()
        project.close_database()
        # A cache in this process would not survive its end.
        project.clear_cache()

    def rotate(self, request):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = request["secret"], request["fallbacks"]
        self.reopen(request)

    def damage(self, request):
        if self.engine == "file":
            return project.damage_file(self.store_class(request["key"]))
        project.clear_cache()
        with connections[project.CLIENTS[0]].cursor() as cursor:
            cursor.execute(
                "UPDATE django_session SET session_data = 'damaged' WHERE session_key = %s", [request["key"]]
            )
            return cursor.rowcount == 1

    def answer(self, request):
        """The answer to a request, apart from its id."""
        session = None
        try:
            session, operation = self.find(request)
            answer = {"ok": operation(request)}
        except ProtocolError as fault:
            answer = failure("protocol", fault)
        except Exception as error:
            answer = failure(error_kind(error), f"{type(error).__name__}: {error}")
        if session is not None:
            state = {"key": session.session_key, "accessed": session.accessed, "modified": session.modified}
            answer["session"] = state
        return answer

    def find(self, request):
        """The session object that a request is about, if it is about one, and what is to be done.

        Sets the clock and the client's turn; nothing has touched the store when this returns.
        """
        op, client, session = request["op"], request.get("client", 0), None
        if not isinstance(op, str):
            raise ProtocolError("`op` must be text")
        if not self.opened and op not in ("hello", "open", "bye"):
            raise ProtocolError(f"`{op}` came before `open`")
        if op == "session":
            session = self.make_session(request)
            operation = nothing
        elif op in SESSION_OPS:
            number = request["session"]
            if number not in self.sessions:
                raise ProtocolError(f"there is no session object {number}")
            client, session = self.sessions[number]
            operation = partial(SESSION_OPS[op], session)
        elif op in self.storage_ops:
            operation = self.storage_ops[op]
        else:
            raise ProtocolError(f"there is no operation `{op}`")
        if client not in (0, 1):
            raise ProtocolError(f"there is no client {client}, only 0 and 1")
        project.router.alias = project.CLIENTS[client]
        if op not in ("hello", "bye"):
            now = request["now"]
            try:
                project.clock.set(now)
            except (TypeError, OverflowError):
                raise ProtocolError(f"`now` must be microseconds of the years 1 to 9999, not {now}") from None
        return session, operation

    def make_session(self, request):
        key = request["key"]
        if not isinstance(key, (str, type(None))):
            raise ProtocolError("`key` must be text or null")
        session = self.session_object(key)
        self.sessions[request["session"]] = request["client"], session
        return session


def main():
    parser = argparse.ArgumentParser(description="Drives a session engine of Django for sessionspec.")
    parser.add_argument("--engine", choices=ENGINES, required=True, help="the session engine")
    parser.add_argument("--async", action="store_true", dest="is_async", help="by the asynchronous methods")
    options = parser.parse_args()
    adapter = Adapter(options.engine, options.is_async)
    logging.basicConfig(level=logging.WARNING)

    # Whatever else prints, prints to the log: the protocol has standard output for itself.
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    encode = json.JSONEncoder(separators=(",", ":")).encode
    for line in sys.stdin.buffer:
        try:
            request = Request(json.loads(line.decode()))
        except (ValueError, TypeError, RecursionError) as fault:
            request, answer = {}, failure("protocol", f"the request cannot be read: {fault}")
        else:
            answer = adapter.answer(request)
        number = {"id": request.get("id")}
        try:
            text = encode({**number, **answer})
        except (ValueError, RecursionError) as fault:
            del answer["ok"]
            text = encode({**number, **answer, **failure("unrepresentable", fault)})
        answers.write(text.encode("ascii") + b"\n")
        answers.flush()
        if request.get("op") == "bye":
            break


if __name__ == "__main__":
    main()
