"""Django's asynchronous sessions for callers that are not: `aget` behind `get`, `asave` behind `save`.

Everything runs in one event loop, as it would in a site under ASGI, and what Django sends from there to a thread
(its database) always goes to the same one.
"""

import asyncio

from asgiref.sync import sync_to_async

# These ask no store, so Django has them once only.
SYNCHRONOUS = {"accessed", "modified", "session_key", "clear", "is_empty", "get_session_cookie_age"}

loop = asyncio.new_event_loop()


def in_thread(function, *args):
    """Calls a function in the thread in which Django has its database connections."""
    return loop.run_until_complete(sync_to_async(function)(*args))


class Asynchronous:
    """A session whose methods are its asynchronous ones, waited for."""

    def __init__(self, session):
        self._session = session

    def __getattr__(self, name):
        if name in SYNCHRONOUS:
            return getattr(self._session, name)
        method = getattr(self._session, f"a{name}")
        return lambda *args, **named: loop.run_until_complete(method(*args, **named))

    def __contains__(self, name):
        return self.has_key(name)

    def __setitem__(self, name, value):
        self.set(name, value)

    def __delitem__(self, name):
        # Django has no other way than `apop`, which takes the mark of an unreadable cookie back where there is no
        # such entry; `del` does not.
        if not self.has_key(name):
            raise KeyError(name)
        self.pop(name)

    def set_expiry(self, value):
        # So does `aset_expiry(None)`, which is an `apop`.
        if value is not None or self.has_key("_session_expiry"):
            loop.run_until_complete(self._session.aset_expiry(value))
