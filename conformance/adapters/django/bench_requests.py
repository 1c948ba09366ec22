"""Times requests of a Django site with sessions: prints the nanoseconds that one takes, as JSON.

    bench_requests.py DIRECTORY

The page is that of the Rust benchmark: it leaves the session untouched, reads a number from it, or writes the
next one. Django's WSGI handler is called in this process, with no network before it and with no middleware but
that of the sessions; `none` is the page without it. The sessions, their number and the durability of the database
are those of `bench.py`. The connection to the database stays open from one request to the next, which the setting
`CONN_MAX_AGE` says; Django would otherwise open it anew for each.
"""

import argparse
import json
from io import BytesIO
from pathlib import Path
from unittest.mock import patch
from wsgiref.util import setup_testing_defaults

import bench
import project

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.http import HttpResponse
from django.urls import path

# What every request has. Nothing reads from the input of one without a body.
REQUEST = {"wsgi.input": BytesIO()}
setup_testing_defaults(REQUEST)

PAGES = ["untouched", "read", "written"]

# What each page asks the session's engine for.
CALLS = {"untouched": [], "read": ["load"], "written": ["load", "save"]}


def page(visits):
    return HttpResponse(f"You were here {visits} times.", content_type="text/plain; charset=utf-8")


def untouched(request):
    return page(0)


def read(request):
    return page(request.session.get("visits", 0))


def written(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return page(request.session["visits"])


urlpatterns = [path("untouched", untouched), path("read", read), path("written", written)]


class Site:
    """The pages, with the middleware that the settings name now."""

    def __init__(self, middleware):
        settings.ROOT_URLCONF = __name__
        settings.MIDDLEWARE = middleware
        self.handler = WSGIHandler()

    def answer(self, environ):
        """Answers a request as a server has it done, and gives the body."""
        response = self.handler(environ, self.start)
        body = b"".join(response)
        response.close()
        return body

    def start(self, status, headers):
        if status != "200 OK":
            raise SystemExit(f"a page answered {status}")
        self.headers = headers

    def measure(self, name, keys):
        return bench.timed(lambda key: self.answer(environ(name, key)), keys)


def environ(name, key):
    """The request of the visitor who has this session. To copy it takes a few hundred nanoseconds, which count."""
    return {**REQUEST, "PATH_INFO": f"/{name}", "HTTP_COOKIE": f"sessionid={key}"}


def check(site, session, key):
    """Sees that each page does what is said to be measured. A number that was read came out of the store."""
    calls = []

    def counted(call):
        original = getattr(session, call)

        def count(*args, **kwargs):
            calls.append(call)
            return original(*args, **kwargs)

        return count

    with patch.multiple(session, load=counted("load"), save=counted("save")):
        for name, visits in [("untouched", 0), ("read", 0), ("written", 1), ("untouched", 0), ("read", 1)]:
            calls.clear()
            body = site.answer(environ(name, key)).decode()
            told = any(header == "Set-Cookie" for header, _ in site.headers)
            if body != f"You were here {visits} times." or told != (name == "written"):
                raise SystemExit(f"{session}: {name} answered {body!r} with {site.headers}")
            if calls != CALLS[name]:
                raise SystemExit(f"{session}: {name} asked the engine for {calls}")


def measure(name):
    """The site on one of Django's session engines, where it is set up to be."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    engine = bench.Engine(name)
    keys = bench.make_keys()
    for key in keys:
        engine.insert(key)
    # Not in the order in which they were inserted.
    keys = [keys[n * 7_919 % bench.KEYS] for n in range(bench.KEYS)]
    site = Site(["django.contrib.sessions.middleware.SessionMiddleware"])
    check(site, engine.session, keys[0])
    return {page: site.measure(page, keys) for page in PAGES}


def main():
    parser = argparse.ArgumentParser(description="Times requests of a Django site with sessions.")
    parser.add_argument("directory", type=Path, help="where the database may be made")
    options = parser.parse_args()

    figures = {"none": Site([]).measure("untouched", bench.make_keys())}
    project.use_cache(f"memory://{2 * bench.KEYS}")
    figures["cache"] = measure("cache")
    connections.settings["default"]["CONN_MAX_AGE"] = None
    bench.use_sqlite(options.directory / "django-requests.db")
    figures["db"] = measure("db")
    with connections["default"].cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        if cursor.fetchone() != (1,):
            raise SystemExit("the connection was opened anew, with another durability")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
