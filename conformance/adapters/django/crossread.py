"""Reads and writes Django's sessions on Django's side, to compare with another implementation.

    crossread.py generate --count 300 --seed 1                          session contents, one per line
    crossread.py write --engine db --place FILE --secret-key KEY        stores each; prints its key
    crossread.py read --engine db --place FILE --secret-key KEY         reads each; prints what Django sees
    crossread.py clear-expired --engine db --place FILE --secret-key KEY

With `--raw` a session's data is `{"text": …}`, which is the very text that is signed and stored, each character a
byte (Latin-1). With `--time-zone ZONE` it is a site with `USE_TZ = False`.

The place is the database (a SQLite file or a PostgreSQL URL) for `db`, the directory for `file`, the cache's
URL for `cache`, the database and that URL with a comma between for `cached_db`, and nothing for
`signed_cookies`. All speak JSON lines as Python's `json` writes them: ASCII, NaN and lone surrogates included.
"""

import argparse
import json
import logging
import sys
from datetime import timedelta


class Raw:
    """A serializer of sessions whose data are the text that is stored, and nothing else."""

    def dumps(self, data):
        return data["text"].encode("latin-1")

    def loads(self, text):
        return {"text": text.decode("latin-1")}


def generate(options):
    import session_contents

    contents = [*session_contents.fixed(), *session_contents.generated(options.count, options.seed)]
    for name, data in contents:
        emit({"name": name, "kind": session_contents.kind(data), "data": data})


def write(options):
    store_class, project = open_engine(options)
    if options.engine in ("db", "cached_db"):
        project.create_tables()
    for line in lines():
        session = store_class()
        session.update(line["data"])
        if "duration" in line:
            session.set_expiry(timedelta(seconds=line["duration"]))
        session.save()
        emit({"name": line["name"], "key": session.session_key})


def read(options):
    store_class, _ = open_engine(options)
    for line in lines():
        session = store_class(line["key"])
        data = dict(session.items())
        found = session.session_key is not None
        text = json.dumps(data, separators=(",", ":"))
        emit({"name": line["name"], "found": found, "data": data, "text": text, "age": age(session)})


def age(session):
    """What Django says of the time that is left; or the exception's name."""
    try:
        return session.get_expiry_age()
    except Exception as error:
        return type(error).__name__


def clear_expired(options):
    store_class, _ = open_engine(options)
    store_class.clear_expired()


def open_engine(options):
    """The session class of an engine of Django, set up for the place and the secret."""
    import project
    from django.conf import settings
    from django.utils.module_loading import import_string

    settings.SECRET_KEY = options.secret_key
    settings.SECRET_KEY_FALLBACKS = options.fallback
    if options.raw:
        settings.SESSION_SERIALIZER = "crossread.Raw"
    if options.time_zone:
        project.use_local_time(options.time_zone)
    if options.now_us is not None:
        project.clock.set(options.now_us)
    database, _, cache = options.place.partition(",")
    match options.engine:
        case "db":
            project.use_database(options.place)
        case "file":
            settings.SESSION_FILE_PATH = options.place
        case "cache":
            project.use_cache(options.place)
        case "cached_db":
            project.use_database(database)
            project.use_cache(cache)
    return import_string(f"django.contrib.sessions.backends.{options.engine}.SessionStore"), project


def lines():
    return (json.loads(line, object_pairs_hook=with_twins) for line in sys.stdin)


def with_twins(pairs):
    """An object; of two entries of one name the first gets the name that Python only writes the same.

    So the row that is stored has the name twice, as rows have that were made with `{1: …, "1": …}`.
    """
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        return dict(pairs)
    return {
        json.loads(name) if name in names[at + 1 :] else name: value for at, (name, value) in enumerate(pairs)
    }


def emit(line):
    print(json.dumps(line))


def main():
    parser = argparse.ArgumentParser(description="Reads and writes Django's session rows on Django's side.")
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("generate", help="session contents, the awkward ones first")
    command.add_argument("--count", type=int, default=300, help="how many beside the fixed ones")
    command.add_argument("--seed", type=int, default=1)
    command.set_defaults(run=generate)

    for run, what in (
        (write, 'stores the sessions {"name", "data"}, with a "duration" if one is to be set, that come as lines on stdin'),
        (read, 'reads the sessions {"name", "key"} that come as lines on stdin'),
        (clear_expired, "removes the sessions that have expired"),
    ):
        command = commands.add_parser(run.__name__.replace("_", "-"), help=what)
        command.add_argument(
            "--engine", required=True, choices=["db", "file", "signed_cookies", "cache", "cached_db"]
        )
        command.add_argument("--place", default="", help="where the engine keeps its sessions")
        command.add_argument("--secret-key", required=True, metavar="KEY")
        command.add_argument(
            "--fallback", action="append", default=[], metavar="KEY", help="an older secret; repeatable"
        )
        command.add_argument(
            "--now-us", type=int, metavar="N", help="the present, in microseconds since 1970"
        )
        command.add_argument("--raw", action="store_true", help="the data are the text that is stored")
        command.add_argument("--time-zone", metavar="ZONE", help="the TIME_ZONE of a site with USE_TZ = False")
        command.set_defaults(run=run)

    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    options.run(options)


if __name__ == "__main__":
    main()
