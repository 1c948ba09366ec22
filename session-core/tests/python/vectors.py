"""Prints what Python's `json` reads and writes, one JSON object a line; `tests/python_json.rs` compares.

    python vectors.py > vectors.jsonl

The recorded lines come from CPython 3.11.7, and byte for byte the same from 3.10.13 and 3.13.0. Whatever is
random comes from a generator that is written out here, so that large sets are compared by their digests.
"""

import hashlib
import json
import math
import struct

# Values and texts that people, browsers and other frameworks have really put into sessions, or will.
TEXTS = [
    "{}", "[]", '""', "null", "true", "false", "0", " \t\r\n{ \n} ", "[ ]", "[[],{}]", '{"":""}',
    '{"a":1,"b":2}', '{ "a" : [ 1 , null , true , { } , [ ] ] }', '{"a":{"b":{"c":[{"d":null}]}}}',
    # A repeated name: the last value, in the first place.
    '{"a":1,"b":2,"a":3}', '{"a":{"x":1},"b":2,"a":{"y":2}}', '{"a":[{"x":1,"x":2}],"a":null,"a":[]}',
    '{"\\u0061":1,"a":2}',
    # Numbers.
    "1", "-1", "-0", '{"a":[-0]}', "10", "9007199254740993", "18446744073709551616", "-9223372036854775809", "1" + "0" * 400,
    "-" + "9" * 4300, "0.0", "-0.0", "0.5", "1.0", "1.50", "100.0", "0.1", "0.30000000000000004", "1e0", "1E5",
    "1e+5", "1e-5", "0.0001", "0.00001", "123456789012345.6", "1234567890123456.7", "12345678901234567.8",
    "1e15", "1e16", "1e17", "9999999999999998.0", "1e22", "1e23", "1.7976931348623157e308", "5e-324", "4e-324",
    "2.2250738585072014e-308", "1e-400", "-1e-400", "0e5", "0E-5", "-0e0", "1.0000000000000000000001", "6.0e23",
    # Texts.
    '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u0000\\u001f\\u0020\\u007f\\u0080\\u00ff\\u2028\\u2029\\uffff\\ufeff"',
    '"\\uD83D\\uDE00"', '"\\ud83d\\ude00 \\uDBFF\\uDFFF \\ud800\\udc00"', '"😀 é Ω 日本語"', '"\x7f"', '"</script>"',
    '{"é":1,"😀":{"日":2}}', '"a:b.c,d;e=f%20"', '"\u2028"', '"\ufeff"',
    # Names that serde_json keeps for itself.
    '{"$serde_json::private::Number":"12"}', '{"$serde_json::private::Number":{"a":1},"b":2}',
    '{"$serde_json::private::RawValue":"[1]"}', '[{"$serde_json::private::Number":"x"}]',
    # What no other language may keep: NaN, infinities, halves of surrogate pairs.
    "NaN", "Infinity", "-Infinity", '{"a":NaN}', '{"cart":[{},{"price":[0,-Infinity]}],"b":NaN}', "[[[NaN]]]",
    '{"a":1,"b":[1,2,{"c":Infinity}]}', '"\\ud800"', '"\\udfff"', '{"b":1,"a":"x\\ud800y"}', '{"a":"\\ude00\\ud83d"}',
    '{"a":"\\ud83d\\ud83d\\ude00"}', '{"a":["\\ud800\\u0041"]}', '{"a":["","\\ud800\\n"]}', '{"a b":{"c.d":"\\ud800"}}',
    '{"a":{"b":1},"c":{"d":[[],[NaN]]}}',
    # No JSON, though something might take it for JSON.
    "", " ", "nan", "inf", "-NaN", "+1", "+Infinity", "--1", "-", "01", "-01", "00", "1.", ".5", "1.e5", "1e", "1e+", "0x10",
    "1_000", "1,", "1 2", "tru", "True", "None", "nul", "nulll", "undefined", "'a'", '"', '"a', '"\\', '"\\u', '"\\u12"',
    '"\\u12g4"', '"\\u+123"', '"\\u 123"', '"\\x41"', '"\\a"', '"\\\'"', '"\n"', '"\t"', '"\x00"', '"\x1f"', "[", "]", "[1", "[1,", "[1,]", "[,1]",
    "[1 2]", "[1,,2]", "[}", "{", "}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "{,}", '{"a" 1}', '{"a",1}', "{1:2}", "{a:1}",
    "{'a':1}", '{"a":1]', '{"a":1}}', "{}{}", "{}x", "{} \x00", "\x00{}", "\u00a0{}", "{}\u00a0", "\x0b{}", "\x0c{}", "{}\u2003", "/**/{}", "{}//",
    '{"a":1;"b":2}', '{"a"="b"}', "\ufeff{}", '{"a":１}', '{"a":٣}', "1e٣", "１",
]


class Random:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    def below(self, bound):
        return self.next() % bound

    def choice(self, items):
        return items[self.below(len(items))]


def show(kind, **fields):
    print(json.dumps({"kind": kind, **fields}, separators=(",", ":")))


def dumps(value):
    return json.dumps(value, separators=(",", ":"))


def awkward(value, path=""):
    """The first entry, in the text's order, with a value that only Python keeps; None if there is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return path
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        return path
    if isinstance(value, list):
        inside = ((item, f"{path}[{index}]") for index, item in enumerate(value))
    elif isinstance(value, dict):
        inside = ((item, f"{path}.{name}" if path else name) for name, item in value.items())
    else:
        return None
    return next((found for found in (awkward(*step) for step in inside) if found is not None), None)


def read(text):
    infinite = []
    try:
        value = json.loads(text, parse_float=lambda number: infinite.append(math.isinf(float(number))) or float(number))
    except ValueError:
        show("text", text=text, outcome="malformed")
        return
    if any(infinite):
        return  # A number that is an infinity only to Python; the tests have it elsewhere.
    entry = awkward(value)
    if entry is None:
        show("text", text=text, outcome="read", written=dumps(value))
    else:
        show("text", text=text, outcome="unrepresentable", entry=entry)


def document(random, depth=4):
    """A document with white space, escapes and repeated names in odd places."""
    kind = random.below(10 if depth else 7)
    if kind == 0:
        return random.choice(["null", "true", "false"])
    if kind in (1, 2):
        return random.choice(["0", "7", "-12", "1.5", "-2.50", "3e7", "1E-9", "12345678901234567890", "0.1e1"])
    if kind < 7:
        parts = [" ", "a", "é", "日", "😀", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\\\", '\\"', "/", "\\/", "\x7f", ":", ","]
        return '"' + "".join(random.choice(parts) for _ in range(random.below(6))) + '"'
    space = lambda: random.choice(["", "", "", " ", "\n", "\t "])
    count = random.below(5)
    if kind == 7:
        items = [space() + document(random, depth - 1) + space() for _ in range(count)]
        return "[" + ",".join(items) + space() * (not items) + "]"
    names = [random.choice(['"a"', '"b"', '"\\u0061"', '""', '"é"', '"x y"']) for _ in range(count)]
    items = [space() + name + space() + ":" + space() + document(random, depth - 1) + space() for name in names]
    return "{" + ",".join(items) + "}"


def mutated(random, text):
    """The text with one character lost, doubled or changed: what Python takes, and what it does not."""
    at = random.below(len(text))
    extra = random.choice(list('{}[]",:\\ \n0159eE+-.tfnuNI\x00\x1fé'))
    return random.choice([text[:at] + text[at + 1:], text[:at] + extra + text[at:], text[:at] + extra + text[at + 1:]])


def texts():
    for text in TEXTS:
        read(text)
    random = Random(1)
    documents = [document(random) for _ in range(150)]
    for text in documents:
        read(text)
    for text in documents:
        for _ in range(4):
            read(mutated(random, text))


def floats():
    """Floating-point numbers by their bits, and how Python writes them."""
    near = [0.0, 1.0, 1e-4, 1e-5, 1e15, 1e16, 1e17, 1e22, 1e23, 0.1, 2.0**53, 2.0**63, 5e-324, 2.2250738585072014e-308]
    numbers = [sign * number for base in near for sign in (1, -1)
               for number in (base, math.nextafter(base, math.inf), math.nextafter(base, 0.0))]
    numbers += [10.0**n for n in range(-30, 31)]
    for number in numbers:
        show("float", bits=struct.pack(">d", number).hex(), written=dumps(number))
    random, digest, count = Random(2), hashlib.sha256(), 0
    while count < 100_000:
        # Every exponent, and as many again where people live.
        bits = random.next()
        if count % 2:
            bits = (bits & ~(0x7FF << 52)) | ((1023 - 60 + random.below(120)) << 52)
        number = struct.unpack(">d", bits.to_bytes(8, "big"))[0]
        if math.isfinite(number):
            digest.update((dumps(number) + "\n").encode())
            count += 1
    show("floats", seed="2", count=str(count), sha256=digest.hexdigest())


def characters():
    """Every character there is, plane by plane."""
    for plane in range(17):
        text = "".join(chr(c) for c in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= c < 0xE000)
        show("plane", plane=str(plane), sha256=hashlib.sha256(dumps(text).encode()).hexdigest())


texts()
floats()
characters()
