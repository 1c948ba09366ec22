"""Prints pickles, one JSON object a line, for the tests of `backends/src/pickle.rs`.

    python pickles.py > pickles.jsonl

A line has the pickle in hexadecimal and either the `json` of what is in it, or `strange`: the name of what a
session in Rust cannot hold. The recorded lines come from CPython 3.11.7.
"""

import datetime
import decimal
import json
import pickle
import uuid

PROTOCOLS = (2, 3, 4, 5)

shared = [1, "same"]
KEPT = [
    {},
    {"a": 1, "b": [1, 2, {"c": None}], "t": "é😀\x00\x7f", "f": 1.5, "minus": -7, "true": True, "false": False, "e": {}, "l": [], "": "x"},
    {"i": [0, 255, 256, 65535, 65536, 2**31 - 1, -(2**31), 2**31, -(2**31) - 1, 2**63, 10**30, -(10**30), 1 << 2100]},
    {"f": [0.0, -0.0, 0.1, 1e16, 1e-5, 5e-324, 1.7976931348623157e308]},
    {"x": shared, "y": shared, "z": [shared, shared]},
    {"text": "x" * 300, "numbers": list(range(300)), "names": {str(n): n for n in range(1100)}},
]


class Own:
    def __init__(self):
        self.a = 1


STRANGE = [
    ("a tuple", ()),
    ("a tuple", (1,)),
    ("a tuple", (1, 2, 3, 4, 5)),
    ("a set", {1}),
    ("bytes", b"x"),
    ("bytes", b"x" * 300),
    ("datetime.datetime", datetime.datetime(2030, 1, 1)),
    ("datetime.timedelta", datetime.timedelta(1)),
    ("decimal.Decimal", decimal.Decimal("1.5")),
    ("uuid.UUID", uuid.UUID(int=1)),
    ("Own", Own()),
    ("NaN", float("nan")),
    ("an infinity", float("-inf")),
    ("half a surrogate pair", "a\ud800b"),
    ("names are not all text", {1: 2}),
    ("names are not all text", {None: 1}),
]

for value in KEPT:
    for protocol in PROTOCOLS:
        text = json.dumps(value, separators=(",", ":"))
        print(json.dumps({"pickle": pickle.dumps(value, protocol).hex(), "json": text}))
for name, value in STRANGE:
    for protocol in (4, 5) if isinstance(value, (set, bytes)) else PROTOCOLS:
        session = {"before": [1], "cart": [0, {"price": value}], "after": 2}
        print(json.dumps({"pickle": pickle.dumps(session, protocol).hex(), "strange": name}))
