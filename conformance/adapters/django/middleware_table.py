"""What Django's SessionMiddleware does, case by case: one JSON line per case.

    middleware_table.py cases             whole requests: cookie, operations, settings, status
    middleware_table.py cookie-sessions   the same where the session is in the cookie
    middleware_table.py overlaps          requests in which another one of the same visitor comes and goes
    middleware_table.py cookies           the attributes of the cookie that is set or deleted, for each setting
    middleware_table.py headers           which session a header `Cookie` opens

The engine is `db` on a database in memory, or `signed_cookies`; its reads are counted. A case is

    {"cookie": "live", "do": [["set", "a", 2]], "save_every_request": false, "expire_at_browser_close": false,
     "status": 200, "answer": {...}}

where `cookie` says what the visitor brings: `none`; `live`, whose session has the entry `a`; `bare`, whose
session has no entry; `unknown`, a key of the right form that nobody issued; `short`, of fewer than eight
characters; `ended`, whose session was deleted (no such thing in the cookie: there it is `expired`, signed longer ago
than the session's age). The answer has

    status      that of the answer, 400 where the middleware raises SessionInterrupted
    cookie      null, "deleted", "same" (set to the key that was brought) or "new" (set to another one)
                (a cookie that is signed anew is always another)
    max_age     of a cookie that is set: seconds, or null for one that ends with the browser
    vary        whether the answer has `Vary: Cookie`
    loads       whether the record was read
    left        what a next visitor with the cookie that is then right finds: the data, or null
    results     what the operations gave

The operation `["meanwhile", [...]]` is another request with the same cookie, whose handler does that; it is answered
before this handler goes on. The answer of such a case has one more field:

    other       what a visitor with the cookie that is right after the other request finds in the end, or null

A header is a template: `{name}` and `{NAME}` are the session cookie's name and that in capitals, `{live}` and `{other}`
the keys of two sessions whose entry `a` is 1 and 2, `{64k}` as many bytes of others' cookies, and `{10k}` as many
letters. It is sent in UTF-8. Its row says what the entry `a` is then, null where there is none, and whether RFC 6265
allows such a header.
"""

import itertools
import json
import logging
import sys

import project
from operations import perform

from django.conf import settings
from django.contrib.sessions.backends import db, signed_cookies
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpResponse
from django.test import RequestFactory

UNKNOWN = "u" * 32

NOW = 1_900_000_000_000_000

COOKIES = ["none", "live", "bare", "unknown", "short"]

OPERATIONS = [
    [],
    [["is-empty"]],
    [["is-true"]],
    [["get", "a"]],
    [["get", "a"], ["is-true"]],
    [["clear"], ["is-true"]],
    [["contains", "a"]],
    [["contains", "b"]],
    [["keys"]],
    [["set", "a", 2]],
    [["remove", "a"]],
    [["append", "list", 3]],
    [["set", "a", 2], ["remove", "a"]],
    [["clear"]],
    [["clear"], ["set", "b", 1]],
    [["flush"]],
    [["flush"], ["set", "b", 1]],
    [["cycle-key"]],
    [["set-expiry", 0]],
    [["set-expiry", 300]],
    [["set-expiry", None]],
    [["set-expiry", -5]],
    [["set", "a", 2], ["set-expiry", 0]],
    [["set", "a", 2], ["set-expiry", 300]],
    [["get", "a"], ["save"]],
    [["set", "a", 2], ["save"]],
    [["set", "a", 2], ["save"], ["set", "a", 3]],
    [["append", "list", 3], ["save"]],
    [["flush"], ["save"]],
]

# Where the session is in the cookie, an unread one can be saved too: elsewhere a key that nobody issued is an error.
IN_COOKIE = [
    [["save"]],
]

# Where the record is on the server, somebody else can end the session.
ELSEWHERE = [
    [["delete-elsewhere"]],
    [["get", "a"], ["delete-elsewhere"]],
    [["set", "a", 2], ["delete-elsewhere"]],
    [["delete-elsewhere"], ["set", "a", 2]],
]

STATUSES = [200, 499, 500]

# What a handler does before another request comes and goes, what that one does, and what the handler does then.
OVERLAPS = {
    "live": (
        [[], [["get", "a"]]],
        [
            [["get", "a"]],
            [["set", "b", 1]],
            [["remove", "a"]],
            [["clear"]],
            [["flush"]],
            [["cycle-key"]],
        ],
        [
            [],
            [["get", "a"]],
            [["set", "a", 2]],
            [["remove", "a"]],
            [["set-expiry", 300]],
            [["flush"]],
            [["cycle-key"]],
        ],
    ),
    "none": (
        [[], [["set", "a", 2]]],
        [[["get", "a"]], [["set", "b", 1]]],
        [[], [["set", "a", 3]], [["cycle-key"]]],
    ),
}


def counted(engine):
    """A session class of Django that counts the reads of a request."""

    class SessionStore(engine.SessionStore):
        loads = 0

        def load(self):
            SessionStore.loads += 1
            return super().load()

    # Its name is in the salt of what it signs.
    SessionStore.__qualname__ = engine.SessionStore.__qualname__
    return SessionStore


def bring(engine, cookie):
    """The value of the cookie that a visitor brings, or None."""
    if cookie in ("none", "unknown", "short"):
        return {"none": None, "unknown": UNKNOWN, "short": "short"}[cookie]
    if cookie == "expired":
        project.clock.set(NOW - settings.SESSION_COOKIE_AGE * 1_000_000 - 1_000_000)
    session = engine.SessionStore()
    if cookie != "bare":
        session["a"] = 1
        session["list"] = [1, 2]
    session.save()
    key = session.session_key
    if cookie == "ended":
        session.delete()
    return key


def exchange(store_class, key, operations, status):
    """The answer to one request, and the cookie that is right after another one that came meanwhile."""
    request = RequestFactory().get("/")
    if key is not None:
        request.COOKIES[settings.SESSION_COOKIE_NAME] = key
    results = []
    other = None

    def do(session, operation):
        nonlocal other
        if operation[0] != "meanwhile":
            return perform(session, operation)
        loads = store_class.loads
        response, _, _ = exchange(store_class, key, operation[1], 200)
        other, _, _ = told(response, key)
        store_class.loads = loads

    def handler(request):
        store_class.loads = 0
        results.extend(do(request.session, operation) for operation in operations)
        return HttpResponse(status=status)

    middleware = SessionMiddleware(handler)
    middleware.SessionStore = store_class
    try:
        response = middleware(request)
    except SessionInterrupted:
        # As Django's handler turns it into an answer.
        response = HttpResponse(status=400)
    return response, results, other


def told(response, key):
    """The cookie that is right after an answer, what it says about it, and how long it lives."""
    morsel = response.cookies.get(settings.SESSION_COOKIE_NAME)
    if morsel is None:
        return key, None, None
    if morsel["max-age"] == 0 and morsel.value == "":
        return None, "deleted", None
    return morsel.value, "same" if morsel.value == key else "new", morsel["max-age"] if morsel["max-age"] != "" else None


def each_setting():
    """Every setting that decides when a session is saved and when its cookie ends."""
    for close, every in itertools.product([False, True], repeat=2):
        settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = close
        settings.SESSION_SAVE_EVERY_REQUEST = every
        yield {"save_every_request": every, "expire_at_browser_close": close}


def row(engine, store_class, setting, cookie, done, status):
    """One case, with the answer."""
    # A moment before, so that a cookie which is signed anew is another one.
    project.clock.set(NOW - 10_000_000)
    key = bring(engine, cookie)
    project.clock.set(NOW)
    response, results, other = exchange(store_class, key, done, status)
    loads = store_class.loads > 0
    then, sort, age = told(response, key)
    answer = {
        "status": response.status_code,
        "cookie": sort,
        "max_age": age,
        "vary": "Cookie" in response.get("Vary", ""),
        "loads": loads,
        "left": left(engine, then),
        "results": results,
    }
    if any(operation[0] == "meanwhile" for operation in done):
        answer["other"] = left(engine, other)
    return {"cookie": cookie, "do": done, **setting, "status": status, "answer": answer}


def table(engine, cookies, operations):
    store_class = counted(engine)
    for setting in each_setting():
        for cookie, done, status in itertools.product(cookies, operations, STATUSES):
            yield row(engine, store_class, setting, cookie, done, status)


def cases():
    return table(db, [*COOKIES, "ended"], [*OPERATIONS, *ELSEWHERE])


def cookie_sessions():
    return table(signed_cookies, [*COOKIES, "expired"], [*OPERATIONS, *IN_COOKIE])


def overlaps():
    store_class = counted(db)
    for setting in each_setting():
        for cookie, parts in OVERLAPS.items():
            for before, meanwhile, then in itertools.product(*parts):
                done = [*before, ["meanwhile", meanwhile], *then]
                yield row(db, store_class, setting, cookie, done, 200)


def left(engine, key):
    """The data of a session, without the names that Django keeps for itself; None if there is no session."""
    session = engine.SessionStore(key)
    data = {name: value for name, value in session.items() if not name.startswith("_")}
    if engine is signed_cookies:
        # A cookie that cannot be read marks the session, so that another one takes its place.
        there = session.session_key is not None and not session.modified
    else:
        there = session.session_key is not None and session.exists(session.session_key)
    return data if there else None


NAMES = ["sessionid", "__Secure-id", "__Host-id"]


def cookies():
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = False
    settings.SESSION_SAVE_EVERY_REQUEST = False
    store_class = counted(db)
    for name, domain, path, secure, http_only, same_site in itertools.product(
        NAMES, [None, "example.org"], ["/", "/shop"], [False, True], [False, True], ["Lax", "Strict", "None", None]
    ):
        settings.SESSION_COOKIE_NAME = name
        settings.SESSION_COOKIE_DOMAIN = domain
        settings.SESSION_COOKIE_PATH = path
        settings.SESSION_COOKIE_SECURE = secure
        settings.SESSION_COOKIE_HTTPONLY = http_only
        settings.SESSION_COOKIE_SAMESITE = same_site
        set_, _, _ = exchange(store_class, None, [["set", "a", 1]], 200)
        deleted, _, _ = exchange(store_class, "short", [], 200)
        yield {
            "cookie_name": name,
            "cookie_domain": domain,
            "cookie_path": path,
            "cookie_secure": secure,
            "cookie_httponly": http_only,
            "cookie_samesite": same_site,
            "set": attributes(set_.cookies[name]),
            "deleted": attributes(deleted.cookies[name]),
        }


def attributes(morsel):
    """What stands behind the cookie's value, by its name."""
    text = morsel.OutputString().split("; ")[1:]
    return dict(sorted((part.partition("=")[0], part.partition("=")[2]) for part in text))


# The rule, the header, and whether RFC 6265 allows it: what it does not allow, a server may refuse.
HEADERS = [
    ("key", "{name}={other}; {name}={live}", True),
    ("key", "{name}={live}; {name}={other}", True),
    ("key", "{name}={live}; {name}=uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu", True),
    ("key", "{name}={live}; {name}=", True),
    ("key", "{name}={live}; {name}", False),
    ("key", "{name}={live};{name}={other}", False),
    ("key", "{name}={live},{name}={other}", False),
    ("key", "$Version=1; {name}={live}; $Path=/", True),
    ("key", "=; ;;; =x; {name} = {live} ;", False),
    ("key", 'theme="dark; {name}={live}; other=x"', False),
    ("key.exact-name", "x{name}={live}", True),
    ("key.exact-name", "{name}x={live}", True),
    ("key.exact-name", "{name}={live}; {name}2={other}; x{name}={other}", True),
    ("key.exact-name", "{name}[]={live}", False),
    ("key.exact-name", "{NAME}={live}", True),
    ("key.exact-name", "{name}={live}; {NAME}={other}", True),
    ("key.exact-name", "={name}={live}", False),
    ("key.exact-name", "=={name}={live}", False),
    ("key.exact-name", "{name}={live}; ={name}={other}", False),
    ("key.exact-name", "=__Host-{name}={live}", False),
    ("key.exact-name", "__Host-{name}={live}", True),
    ("key.exact-name", '"{name}"={live}', False),
    ("key.exact-name", "{name}={live}; \u00a0{name}={other}", False),
    ("key.exact-name", "{name}={live}; {name}\u00a0={other}", False),
    ("key.exact-name", "\u2003{name}={live}", False),
    ("key.exact-name", "\u0085{name}={live}", False),
    ("key.exact-name", "{name}={live}; \u001f{name}={other}", False),
    ("key.exact-name", "{name}={live}; \u0001{name}={other}", False),
    ("key.quoted", '{name}="{live}"', True),
    ("key.quoted", '{name}= "{live}" ', False),
    ("key.quoted", '{name}="{live}', False),
    ("key.long-header", "{64k}{name}={live}", True),
    ("key.long-header", "{name}={live}; {64k}x=y", True),
    ("key.long-header", "{name}={other}; {64k}{name}={live}", True),
    ("key.hostile", "{name}={10k}", True),
    ("key.hostile", "{name}=../../../../proc/version", True),
    ("key.hostile", "{name}='OR'1'='1'--", True),
    ("key.hostile", "{name}=%%%%%%%%____****????", True),
    ("key.hostile", "{name}=%00%00%00%00%00%00%00%00", True),
    ("key.hostile", "{name}={10k}; {name}={live}", True),
    ("key.hostile", "{name}=\u043a\u043b\u044e\u0447\u043a\u043b\u044e\u0447", False),
    ("key.hostile", "{name}={live}\u0000", False),
    ("key.hostile", "{name}={live}\u0001\u007f", False),
]


def headers():
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = False
    settings.SESSION_SAVE_EVERY_REQUEST = False
    name = settings.SESSION_COOKIE_NAME
    words = {"name": name, "NAME": name.upper(), "64k": "theme=dark; " * (65_536 // 12), "10k": "k" * 10_000}
    for which, value in [("live", 1), ("other", 2)]:
        session = db.SessionStore()
        session["a"] = value
        session.save()
        words[which] = session.session_key
    for rule, header, allowed in HEADERS:
        sent = header
        for placeholder, text in words.items():
            sent = sent.replace(f"{{{placeholder}}}", text)
        # As a server hands it on: its bytes, each as a character.
        request = RequestFactory().get("/", HTTP_COOKIE=sent.encode().decode("latin-1"))
        found = []

        def handler(request):
            found.append(request.session.get("a"))
            return HttpResponse()

        SessionMiddleware(handler)(request)
        yield {"rule": f"middleware.{rule}", "header": header, "allowed": allowed, "finds": found[0]}


TABLES = {
    "cases": cases,
    "cookie-sessions": cookie_sessions,
    "overlaps": overlaps,
    "cookies": cookies,
    "headers": headers,
}

# Cookies that cannot be read are told to the operator, and here they are meant.
logging.disable()
project.clock.set(NOW)
# The middleware and the cookies have names of their own for the time.
for module in ("django.contrib.sessions.middleware", "django.http.response"):
    sys.modules[module].time = project.signing.time
project.use_database("file:table?mode=memory&cache=shared")
project.create_tables()
for line in TABLES[sys.argv[1]]():
    print(json.dumps(line, separators=(",", ":")))
