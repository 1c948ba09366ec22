"""Session contents that a careless reader or writer of Django's rows trips over, the same for a seed."""

import math
import random

# fmt: off
DELIMITERS = ":.,\"\\/=-_'{}[]%&;|+*?#\t\n\r "
PLANES = [
    (0x20, 0x7E), (0xA0, 0x24F), (0x400, 0x4FF), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xE000, 0xF8FF),
    *((plane << 16, (plane << 16) + 0xFFFF) for plane in range(1, 17)),
]
INTEGERS = [
    0, -1, 255, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64,
    10**30, -(10**30), 10**300,
]
FLOATS = [
    0.0, -0.0, 0.1, 1.0, -1.5, 1e16, 1e15, 123456789012345680.0, 1e-5, 0.0001, 5e-324, 1e22, 1e23, 1 / 3,
    2.2250738585072014e-308, 1.7976931348623157e308, 0.30000000000000004, 100000.0,
]
TEXTS = [
    "", "\0", "\x01\x1f\x7f\x80\x9f", "\u2028\u2029\ufeff\ufffe\uffff", "e\u0301", "\u202eabc",
    "\U0010ffff", "😀👨\u200d👩\u200d👧", "a:b:c", "a.b", ".eJw", "\\u0041", "\\ud800", "%00", "null",
    "NaN", "1", "<script>", "' OR 1=1 --", DELIMITERS,
]
NAMES = [
    "", " ", "a", "é", "😀", "\0", "a.b", "a:b", '"', "\\", "0", "-1", "None", "__proto__", "_session_cache",
    "_auth_user_id", "testcookie", "$serde_json::private::Number", "$serde_json::private::RawValue",
]
NON_FINITE = [math.nan, math.inf, -math.inf]
LONE_SURROGATES = [
    "\ud800", "\udfff", "\udc00\ud800", "a\ud83d", "\ude00b", "\ud83d\ud83d\ude00", "\ud800\udbff",
]
# fmt: on


def nested(depth, wrap):
    value = 1
    for _ in range(depth):
        value = wrap(value)
    return value


def fixed():
    """Each difficulty by itself, so that a difference is found with its name on it."""
    yield "empty", {}
    yield "constants", {"t": True, "f": False, "n": None, "list": [], "object": {}}
    for kind, values in (("integer", INTEGERS), ("float", FLOATS), ("text", TEXTS)):
        for number, value in enumerate(values):
            yield f"{kind}-{number}", {"value": value, "in": [value, {"deep": value}]}
    for number, name in enumerate(NAMES):
        yield f"name-{number}", {name: 1, "in": {name: [name]}}
    yield "number-as-object", {"value": {"$serde_json::private::Number": "12"}}
    for delimiter in DELIMITERS:
        yield (
            f"delimiter-{ord(delimiter):02x}",
            {delimiter: delimiter * 3, f"a{delimiter}b": f"{delimiter}a{delimiter}"},
        )
    for plane, (first, last) in enumerate(PLANES):
        middle = (first + last) // 2
        yield f"characters-{plane}", {chr(first) + chr(last): [chr(first), chr(middle), chr(last)]}
    yield "control-characters", {"all": "".join(map(chr, range(0x20))) + "\x7f"}
    yield "nested-lists-300", {"value": nested(300, lambda inner: [inner])}
    yield "nested-objects-300", {"value": nested(300, lambda inner: {"k": inner})}
    yield "nested-mixed-300", {"value": nested(150, lambda inner: [{"k": inner}])}
    yield "long-text", {"value": "é" * 70_000}
    yield (
        "long-text-incompressible",
        {"value": "".join(random.Random(70).choices("abcdefghijkmnpqrstuvwxyz23456789", k=70_000))},
    )
    yield "long-list", {"value": list(range(5_000))}
    yield "many-names", {f"name{number}": number for number in range(2_000)}
    # Python writes names that are not text as text, even where that makes the same name twice.
    yield "coerced-names", {1: "integer", 2.5: "float", False: "false", None: "none", "plain": {7: 8}}
    yield (
        "coerced-names-twice",
        {1: "first", "1": "second", None: "first", "null": "second", "in": {2: 1, "2": 2}},
    )
    for number, expiry in enumerate([0, 1_000_000, None, 86_400.5, "9999-12-31T23:59:59.999999+00:00"]):
        yield f"expiry-{number}", {"_session_expiry": expiry, "a": 1}
    for number, offset in enumerate(["+00:00", "-12:00", "+14:00", "+05:30", "-00:01"]):
        yield f"expiry-offset-{number}", {"_session_expiry": f"2999-12-31T23:59:59.000001{offset}", "a": 1}
    for number, value in enumerate(NON_FINITE):
        yield f"non-finite-{number}", {"value": value, "beside": 1}
        yield f"non-finite-deep-{number}", {"a": [{"b": [value]}], "beside": 1}
    for number, value in enumerate(LONE_SURROGATES):
        yield f"lone-surrogate-{number}", {"value": value, "beside": 1}
        yield f"lone-surrogate-name-{number}", {value: 1, "beside": 1}
        yield f"lone-surrogate-name-deep-{number}", {"in": {value: 1}, "beside": 1}


def text(source):
    """Text from all planes, without surrogates."""
    characters = []
    for _ in range(source.choice([0, 1, 3, 12])):
        first, last = source.choice(PLANES)
        characters.append(
            source.choice(DELIMITERS) if source.random() < 0.2 else chr(source.randint(first, last))
        )
    return "".join(characters)


def value(source, depth=0):
    kind = source.randrange(9 if depth < 4 else 6)
    match kind:
        case 0:
            return source.choice([None, True, False])
        case 1:
            return source.choice(INTEGERS) + source.choice([0, 0, 1])
        case 2:
            return (
                source.choice(FLOATS)
                if source.random() < 0.5
                else source.uniform(-1e6, 1e6) * 10.0 ** source.randint(-300, 290)
            )
        case 3:
            return source.choice(TEXTS)
        case 4 | 5:
            return text(source)
        case 6:
            return [value(source, depth + 1) for _ in range(source.randrange(4))]
        case _:
            return {name(source): value(source, depth + 1) for _ in range(source.randrange(4))}


def name(source):
    return source.choice(NAMES) if source.random() < 0.4 else text(source)


def generated(count, seed):
    source = random.Random(seed)
    for number in range(count):
        yield (
            f"generated-{seed}-{number}",
            {name(source): value(source) for _ in range(source.randrange(1, 6))},
        )


def kind(value):
    """What strict JSON and UTF-8 make of a value: `plain`, `non-finite` or `lone-surrogate`."""
    match value:
        case float():
            return "plain" if math.isfinite(value) else "non-finite"
        case str():
            return (
                "lone-surrogate" if any("\ud800" <= character <= "\udfff" for character in value) else "plain"
            )
        case dict():
            parts = [*value.keys(), *value.values()]
        case list():
            parts = value
        case _:
            return "plain"
    return next((found for found in map(kind, parts) if found != "plain"), "plain")
