"""Prints what Django does with contents of sessions that are hard to read, one JSON object a line.

    python contents.py > contents-6.1.jsonl

The first line tells the versions. Some of what follows is Python's doing (how deep it reads, which dates it knows),
so there is a file for each of two versions. The others are

    name     what is hard about it
    text     what is stored, in pieces: [text, how often]; each character is a byte (Latin-1)
    unread   the exception for which the visitor gets an empty session
    fails    the exception with which every access ends; there is nothing more then
    reads    the session's data as `json.dumps` writes it, in pieces, or "same" for the text as it is stored
    writes   what is stored after a save, in pieces, or the exception with which the save ends; absent if it is what
             `reads` says
    expires  the date that the save stored, in microseconds since 1970, where the session has an expiry of its own
    age, date, browser_close
             what `get_expiry_age` and the others say then, before the save: the date as `isoformat` has it, a number
             that JSON lacks as text; or the exception's name

Time stands still at `now`, in the first line, in microseconds.
"""

import json
import logging
import math
import platform
import warnings
from datetime import datetime, timedelta, timezone

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="the-secret",
    INSTALLED_APPS=["django.contrib.sessions"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TIME_ZONE="UTC",
    USE_TZ=True,
)
django.setup()

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.management import call_command
from django.utils import timezone as django_timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NOW = datetime(2030, 3, 17, 17, 46, 40, tzinfo=timezone.utc)
KEY = "k" * 32


class Stored:
    """A serializer that signs a text as it is, and gives it back so."""

    def dumps(self, text):
        return text.encode("latin-1")

    def loads(self, data):
        return data.decode("latin-1")


def pieces(*parts):
    """A text in pieces: [text, how often]."""
    return [[part, 1] if isinstance(part, str) else list(part) for part in parts]


def joined(parts):
    return "".join(text * times for text, times in parts)


def in_pieces(text):
    """A text in pieces, with each character that stands there more than a hundred times written once."""
    parts, plain, at = [], "", 0
    while at < len(text):
        end = at
        while end < len(text) and text[end] == text[at]:
            end += 1
        if end - at > 100:
            parts += ([[plain, 1]] if plain else []) + [[text[at], end - at]]
            plain = ""
        else:
            plain += text[at:end]
        at = end
    return parts + ([[plain, 1]] if plain else [])


def one(text):
    """The text as the value of an entry, with another beside it."""
    return pieces('{"a":', text, ',"b":1}')


def many(text, times, before="", after=""):
    return pieces('{"a":' + before, (text, times), after + ',"b":1}')


def numbers():
    for text in [
        "0", "-0", "-0.0", "0.0", "1.0", "1.50", "1e5", "1E+5", "1e-5", "1e16", "12345678901234567890",
        "0.1000000000000000055511151231257827", "123456789012345678901234567890.5", "5e-324", "1e-400", "-1e-400",
        "1.7976931348623157e308", "1.7976931348623159e308", "1e400", "-1e400", "1e999999999999", "NaN", "Infinity",
        "-Infinity", "-NaN", "nan", "inf", "+1", "01", "-01", "1.", ".5", "-", "1e", "1e+", "0x10", "1_000", "1 0",
    ]:
        yield f"number {text}", one(text)
    for digits in [309, 310, 4299, 4300, 4301, 5000]:
        yield f"integer of {digits} digits", many("9", digits)
        yield f"negative integer of {digits} digits", many("9", digits, before="-")
    yield "fraction of 5,000 digits", many("9", 5000, before="0.")
    yield "float of 5,000 digits before the point", many("9", 5000, after=".0")
    yield "exponent of 5,000 digits", many("9", 5000, before="1e")


def texts():
    for name, text in {
        "lone high surrogate": r'"\ud800"', "lone low surrogate": r'"\udc00"',
        "surrogates the wrong way round": r'"\udc00\ud800"', "pair": r'"\ud83d\ude00"',
        "pair in capitals": r'"\uD83D\uDE00"', "half a pair before text": r'"\ud83dx"',
        "two high surrogates and a low one": r'"\ud83d\ud83d\ude00"', "high surrogate and another escape": r'"\ud83d\n"',
        "escaped letters": r'"\u0041\/\b\f\n\r\t\"\\"', "NUL": r'"\u0000"', "raw DEL": '"\x7f"',
        "raw tab": '"\t"', "raw newline": '"\n"', "raw NUL": '"\0"', "unknown escape": r'"\x41"',
        "escape of three digits": r'"\u041"', "escape with a sign": r'"\u+041"', "escape with a blank": r'"\u 041"',
        "single quotes": "'a'", "unfinished": '"a',
        "UTF-8 in bytes": '"\u00c3\u00a9"', "Latin-1 in a byte": '"\u00e9"', "every byte from 0x80":
        '"' + "".join(map(chr, range(0x80, 0x100))) + '"', "line separators": r'"\u2028\u2029"',
    }.items():
        yield f"text: {name}", one(text)
    yield "text of 4 MiB", many("x", 4 << 20, before='"', after='"')
    yield "text of 4 MiB that is escaped", many("\\u00e9", 4 << 18, before='"', after='"')


def objects():
    for name, text in {
        "empty": "{}", "blanks": ' \t\r\n{ "a" : 1 , "b" : [ 1 , 2 ] } \n', "no-break space": '{\u00a0"a":1}',
        "form feed": '{\f"a":1}', "a byte order mark": '\u00ef\u00bb\u00bf{"a":1}', "NUL at the end": '{"a":1}\0',
        "name twice": '{"a":1,"b":2,"a":3}', "name twice, once escaped": r'{"a":1,"b":2,"\u0061":3}',
        "name twice inside": '{"in":{"a":1,"b":2,"a":3},"b":1}', "name thrice": '{"a":1,"a":2,"b":0,"a":3}',
        "name is a lone surrogate": r'{"\ud800":1,"b":1}', "name is a lone surrogate inside": r'{"in":{"\udfff":1}}',
        "name is a lone surrogate twice": r'{"\ud800":1,"b":1,"\uD800":2}', "name is empty": '{"":1}',
        "name is UTF-8 in bytes": '{"\u00c3\u00a9":1}', "name is the same, in bytes and escaped":
        '{"\u00e9":1,"\\u00e9":2}', "name without quotes": "{a:1}", "name is a number": "{1:1}",
        "comma at the end": '{"a":1,}', "two objects": '{"a":1}{"b":1}', "comment": '{"a":1/**/}', "unfinished":
        '{"a":1', "nothing": "", "blanks only": "  ", "list at the top": '[1,2]', "text at the top": '"a"',
        "number at the top": "1", "null at the top": "null", "true at the top": "true", "empty list at the top": "[]",
        "a list of pairs at the top": '[["a",1]]', "constants": '{"a":[true,false,null]}', "Python's constants":
        '{"a":True}', "comma at the end of a list": '{"a":[1,]}', "escaped slash": r'{"a\/b":"\/"}',
        "names with what JSON escapes": r'{"\"\\\n\u007f\u0080":1}',
    }.items():
        yield f"object: {name}", pieces(text)
    yield "object: 4 MiB of entries", pieces('{"a":[', ("1,", 1 << 21), '1],"b":1}')
    yield "object: one name 10,000 times", pieces("{", ('"a":1,', 10_000), '"b":1}')


def depths():
    for depth in [100, 300, 900, 2_000, 5_000, 9_000, 20_000, 100_000]:
        yield f"lists {depth} deep", pieces('{"a":', ("[", depth), ("]", depth), ',"b":1}')
        yield f"objects {depth} deep", pieces('{"a":', ('{"a":', depth), "1", ("}", depth), ',"b":1}')


ISO = [
    "2030-04-01T00:00:00+00:00", "2030-04-01T00:00:00Z", "2030-04-01T00:00:00z", "2030-04-01T00:00:00",
    "2030-04-01 00:00:00+00:00", "2030-04-01", "20300401", "20300401T000000", "20300401T000000Z",
    "2030-04-01T00", "2030-04-01T00:00", "2030-04-01T00:00+02", "2030-04-01T00:00+0200", "2030-04-01T00:00:00+02:00",
    "2030-04-01T00:00:00+0200", "2030-04-01T00:00:00+00:53:28", "2030-04-01T00:00:00-00:53:28",
    "2030-04-01T00:00:00+00:53:28.123456", "2030-04-01T00:00:00+005328", "2030-04-01T00:00:00.1+00:00",
    "2030-04-01T00:00:00.12+00:00", "2030-04-01T00:00:00.123+00:00", "2030-04-01T00:00:00.123456+00:00",
    "2030-04-01T00:00:00.1234567+00:00", "2030-04-01T00:00:00.1234569999+00:00", "2030-04-01T00:00:00,5+00:00",
    "2030-04-01T00:00:00.+00:00", "2030-W14-1", "2030-W14", "2030W141", "2030-W14-1T00:00:00Z", "2030-091", "2030-04",
    "2030", "2030-04-01T24:00:00+00:00", "2030-04-01T24:00:01+00:00", "2030-04-01T23:59:60+00:00",
    "2030-02-29T00:00:00+00:00", "2032-02-29T00:00:00+00:00", "2030-13-01T00:00:00+00:00", "2030-00-01",
    "2030-04-01t00:00:00Z", "2030-04-01x00:00:00Z", "2030-04-01T00:00:00 +00:00", " 2030-04-01T00:00:00+00:00",
    "2030-04-01T00:00:00+00:00 ", "2030-04-01T00:00:00+23:59", "2030-04-01T00:00:00+24:00",
    "2030-04-01T00:00:00+23:59:59.999999", "2030-04-01T00:00:00-23:59", "2030-04-01T00:00:00+00:60",
    "2030-4-1", "+2030-04-01T00:00:00+00:00", "12030-04-01T00:00:00+00:00", "0001-01-01T00:00:00+00:00",
    "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00-01:00", "0000-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59.999999+00:00", "9999-12-31T23:30:00-01:00", "9999-12-31T23:30:00+01:00",
    "1969-12-31T23:59:59.999999+00:00", "2030-03-17T17:46:40+00:00", "2030-03-17T17:46:40.000001+00:00",
    "2030-03-17T17:46:39.999999+00:00", "", " ", "tomorrow", "None", "1209600", "２０３０-04-01",
]


def expiries():
    for text in [
        "0", "-0", "0.0", "1", "-1", "300", "1.5", "0.5", "-0.5", "1e3", "1e-7", "true", "false", "null", "1000000000000",
        "-1000000000000", "86399999999999", "251502300799", "251502300800",
        "251502300799.5", "-64035596800", "-64035596801", "1e12", "1e400", "NaN", "-Infinity", "[]",
        "[1]", "{}", '{"a":1}', "999999999", "100000000000000000000", "9" * 320,
    ]:
        yield f"expiry {text[:30]}", pieces('{"a":1,"_session_expiry":' + text + "}")
    yield "expiry of 5,000 digits", pieces('{"a":1,"_session_expiry":', ("9", 5000), "}")
    for text in ISO:
        yield f"expiry {json.dumps(text)}", pieces('{"a":1,"_session_expiry":' + json.dumps(text) + "}")
    yield "expiry twice", pieces('{"_session_expiry":300,"a":1,"_session_expiry":600}')
    yield "expiry escaped", pieces(r'{"_session_expir\u0079":300}')


def tried(function, *args):
    """What a function gives, or the name of the exception with which it ends."""
    try:
        return function(*args), None
    except Exception as error:
        return None, type(error).__name__


def sign(text):
    return signing.dumps(text, salt=SessionStore().key_salt, serializer=Stored, compress=True)


def stored():
    row = Session.objects.get(session_key=KEY)
    return row, signing.loads(row.session_data, salt=SessionStore().key_salt, serializer=Stored)


def put(text):
    Session.objects.all().delete()
    Session.objects.create(session_key=KEY, session_data=sign(text), expire_date=NOW + timedelta(days=14))


def seen(text):
    """What Django does with a session whose stored data are this text."""
    put(text)
    _, unread = tried(
        lambda: signing.loads(sign(text), salt=SessionStore().key_salt, serializer=SessionStore().serializer)
    )
    session = SessionStore(KEY)
    data, fails = tried(lambda: dict(session.items()))
    found = {"unread": unread} if unread else {}
    if fails:
        return found | {"fails": fails}
    as_read = json.dumps(data, separators=(",", ":"))
    found["reads"] = "same" if as_read == text else in_pieces(as_read)
    # Asked before the save: of a session that cannot be saved too.
    if "_session_expiry" in data:
        found |= answers(session)
    _, unsaved = tried(session.save)
    row, written = stored()
    if unsaved:
        found["writes"] = unsaved
    elif written != as_read:
        found["writes"] = in_pieces(written)
    if "_session_expiry" in data and not unsaved:
        found["expires"] = (row.expire_date - EPOCH) // timedelta(microseconds=1)
    return found


def answers(session):
    found = {}
    for name, function in {
        "age": session.get_expiry_age,
        "date": lambda: session.get_expiry_date().isoformat(),
        "browser_close": session.get_expire_at_browser_close,
    }.items():
        value, error = tried(function)
        strict = not isinstance(value, float) or math.isfinite(value)
        found[name] = error or (value if strict else json.dumps(value))
    return found


def main():
    logging.disable()
    # A date without an offset is one of the contents.
    warnings.simplefilter("ignore")
    call_command("migrate", verbosity=0)
    django_timezone.now = lambda: NOW
    major, minor, _ = platform.python_version_tuple()
    first = {
        "django": ".".join(django.get_version().split(".")[:2]),
        "python": f"{major}.{minor}",
        "now": (NOW - EPOCH) // timedelta(microseconds=1),
    }
    print(json.dumps(first, separators=(",", ":")))
    for group in (numbers, texts, objects, depths, expiries):
        for name, parts in group():
            print(json.dumps({"name": name, "text": parts, **seen(joined(parts))}, separators=(",", ":")))


if __name__ == "__main__":
    main()
