"""Prints what Django signs and accepts, one JSON object a line; `tests/django_signing.rs` compares.

    python vectors.py > vectors.jsonl

The recorded lines come from Django 5.2.19 (Python 3.11.7) and, byte for byte the same, from 6.1.3 (Python
3.13.0), both with zlib 1.2.13. Time stands still: `time.time` gives what each line says in `now`, in microseconds.
"""

import hashlib
import json
from unittest import mock

from django.conf import settings

settings.configure(SECRET_KEY="the-secret", SECRET_KEY_FALLBACKS=["an-older-one", "the-oldest"])

from django.contrib.sessions.backends.db import SessionStore
from django.core import signing

DEFAULT_SALT = "django.core.signing"
COOKIE_SALT = "django.contrib.sessions.backends.signed_cookies"
NOW = 1893456000

# As stored in sessions: flat, nested, awkward, short, long; compressed and not.
CONTENTS = [
    {},
    {"a": 1},
    {"testcookie": "worked"},
    {"_auth_user_id": "1", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
     "_auth_user_hash": "7d8f1c0b2e6a94d35f70b1c8e2a6d49f03b7c5e1a8d2f6b490c3e7a1d5f8b2c6"},
    {"_session_expiry": "2030-01-01T00:00:09.000001+05:30"},
    {"_session_expiry": -5},
    {"cart": [{"id": n, "name": "item %d" % n, "price": n * 1.25} for n in range(40)]},
    {"names": ["Zoë", "Ω", "日本語", "😀", "\x00\x1f\x7f", "a:b.c,d\"e\\f/g", "\u2028\u2029"]},
    {"numbers": [10**30, -10**30, 2**53 + 1, 0, -1, 0.1, -0.0, 1e16, 1e-05, 5e-324, 1.7976931348623157e308]},
    {"deep": json.loads("[" * 300 + "]" * 300)},
    {"": {"": {"": None}}, "$serde_json::private::Number": "12"},
    {"$serde_json::private::Number": {"$serde_json::private::RawValue": "[]"}},
]


# What Django keeps and Rust cannot, and the entry that must be named.
AWKWARD = [
    ("price", {"a": 1, "price": float("nan")}),
    ("cart[1].price", {"cart": [{"price": 1}, {"price": float("-inf")}], "b": 1}),
    ("user.name", {"user": {"id": 1, "name": "x\ud800y"}}),
    ("name", {"name": "\ude00\ud83d"}),
]


def show(kind, now=NOW, **fields):
    print(json.dumps({"kind": kind, "now": round(now * 1_000_000), **fields}, separators=(",", ":")))


def at(now):
    return mock.patch("time.time", return_value=now)


def dumps(value, now=NOW, **options):
    with at(now):
        return signing.dumps(value, **options)


def sign_with_time(text, now=NOW, **options):
    with at(now):
        return signing.TimestampSigner(**options).sign(text)


def sessions():
    """Whole sessions, as the engines store them."""
    for value in CONTENTS:
        text = json.dumps(value, separators=(",", ":"))
        with at(NOW + 0.75):
            show("session", salt="django.contrib.sessions.SessionStore", now=NOW + 0.75, data=text,
                 signed=SessionStore().encode(value))
        show("session", salt=COOKIE_SALT, data=text,
             signed=dumps(value, salt=COOKIE_SALT, compress=True))
    for entry, value in AWKWARD:
        with at(NOW):
            show("awkward", entry=entry, signed=SessionStore().encode(value))


def generated(seed, length, letters):
    """Text that a linear congruential generator makes, so that only its digest need be recorded."""
    state, out = seed, []
    for _ in range(length):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(letters[(state >> 16) % len(letters)])
    return "".join(out)


def compression():
    """Where zlib begins to pay, and data longer than its window and than its block buffers."""
    alphabets = ["ab", "abcdefghijklmnop", "".join(map(chr, range(35, 91)))]
    lengths = [*range(0, 70), 100, 1000, 5000, 20_000, 32_768, 65_536, 70_000, 300_000]
    for letters in alphabets:
        for length in lengths:
            value = {"v": generated(length + 1, length, letters)}
            signed = dumps(value, compress=True)
            show("generated", letters=letters, length=length, packed=signed.startswith("."), bytes=len(signed),
                 sha256=hashlib.sha256(signed.encode()).hexdigest())


def plain_signers():
    for key in ["the-secret", "ключ", "k" * 200]:
        for salt in ["s", "django.core.signing.Signer", "соль"]:
            for value in ["", "a", "a:b", "é😀", " x\n"]:
                show("sign", key=key, salt=salt, value=value,
                     signed=signing.Signer(key=key, salt=salt).sign(value),
                     stamped=sign_with_time(value, key=key, salt=salt))
    for now in [0, 1, 61, 62, 3843, 3844, NOW, 2**31, 253402300799]:
        show("sign", key="k", salt="s", now=now + 0.75, value="v", signed=signing.Signer(key="k", salt="s").sign("v"),
             stamped=sign_with_time("v", now=now + 0.75, key="k", salt="s"))


def verdict(text, now, max_age, key, fallbacks, salt):
    try:
        with at(now):
            value = signing.loads(text, key=key, salt=salt, max_age=max_age, fallback_keys=fallbacks)
        return "ok", json.dumps(value, separators=(",", ":"))
    except signing.SignatureExpired:
        return "expired", None
    except signing.BadSignature:
        return "bad", None
    except Exception:
        return "undecodable", None


def read(text, now=NOW, max_age=None, key="the-secret", fallbacks=(), salt=DEFAULT_SALT):
    outcome, value = verdict(text, now, max_age, key, list(fallbacks), salt)
    show("loads", text=text, now=now, max_age=max_age, key=key, fallbacks=list(fallbacks), salt=salt,
         outcome=outcome, value=value)


def reading():
    value = {"a": [1, "é"], "b": "x" * 60}
    for options in [{"compress": True}, {"compress": False}]:
        for salt in [DEFAULT_SALT, "s", "django.contrib.sessions.SessionStore"]:
            read(dumps(value, salt=salt, **options), salt=salt)

    # Secrets: the present one, each of the older ones, and strangers, in every order.
    for signed_with in ["the-secret", "an-older-one", "the-oldest", "another"]:
        text = dumps(value, key=signed_with)
        for key, fallbacks in [
            ("the-secret", []),
            ("the-secret", ["an-older-one"]),
            ("the-secret", ["an-older-one", "the-oldest"]),
            ("the-secret", ["the-oldest", "an-older-one"]),
            ("the-oldest", ["the-secret"]),
            ("another", ["another"]),
        ]:
            read(text, key=key, fallbacks=fallbacks)

    # The greatest age, to the fraction of a second; and clocks that go backwards.
    text = dumps({"a": 1}, now=1000.9)
    for max_age in [-1, 0, 1, 10, 1_209_600]:
        for late in [-2, -1, -0.5, 0, 0.5, 0.999, 1, 1.001, 10, 10.000001, 11, 1_209_600, 1_209_600.5]:
            read(text, now=1000 + late, max_age=max_age)

    # Tampering.
    for text in [dumps({"a": 1}), dumps(value, compress=True)]:
        payload, stamp, signature = text.rsplit(":", 2)
        for changed in [
            "", ":", "::", ":::", payload, payload + ":" + stamp, payload + ":" + signature, stamp + ":" + signature,
            payload + ":" + stamp + ":", text + ":", ":" + text, text + "=", text + " ", text + "\n", " " + text,
            text[:-1], text[1:], text + "A", text.swapcase(), text.upper(), text.replace(":", "::", 1),
            payload + ":" + stamp + "0:" + signature, payload + ":0" + stamp + ":" + signature,
            "." + text, text.lstrip("."), text.replace("_", "/").replace("-", "+") + "x",
            payload + "=:" + stamp + ":" + signature, payload + "\0:" + stamp + ":" + signature,
            text[:3] + "é" + text[4:], text[:-1] + "é", text + "\u0301", "\ufeff" + text,
            payload + ":" + stamp + ":" + signature[:-1] + "\uff21",
        ]:
            read(changed)
        read(text, key="other")
        read(text, salt="other")

    # Signed, but not with something that decodes.
    for payload in [
        "", ".", "A", ".A", "AAAAA", "a-_a", ".AAAA", "e30", "W10", "Nw", "bnVsbA", "e30:",
        "IntcImFcIjoxfSI", "e30x", ".e30", "MTIz",
    ]:
        read(sign_with_time(payload, key="the-secret", salt=DEFAULT_SALT))
    # Signed, but without a time or with something else in its place.
    signer = signing.Signer(key="the-secret", salt=DEFAULT_SALT)
    for payload in ["e30", "e30:0", "e30:-1", "e30:248kOu", "e30:248kOu:248kOu"]:
        read(signer.sign(payload))
    for payload in ["e30:0", "e30:-1", "e30:248kOu"]:
        read(signer.sign(payload), max_age=10)


sessions()
compression()
plain_signers()
reading()
