"""Reads and writes Django's sessions on Django's side, to compare with another implementation.

    crossread.py generate --count 300 --seed 1                          session contents, one per line
    crossread.py write --engine db --place FILE --secret-key KEY        stores each; prints its key
    crossread.py read --engine db --place FILE --secret-key KEY         reads each; prints what Django sees

The place is the database (a SQLite file or a PostgreSQL URL) for `db`, the directory for `file`, the cache's
URL for `cache`, the database and that URL with a comma between for `cached_db`, and nothing for
`signed_cookies`. All speak JSON lines as Python's `json` writes them: ASCII, NaN and lone surrogates included.
"""

import argparse
import json
import logging
import sys


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
        session.save()
        emit({"name": line["name"], "key": session.session_key})


def read(options):
    store_class, _ = open_engine(options)
    for line in lines():
        session = store_class(line["key"])
        data = dict(session.items())
        emit({"name": line["name"], "found": session.session_key is not None, "data": data})


def open_engine(options):
    """The session class of an engine of Django, set up for the place and the secret."""
    import project
    from django.conf import settings
    from django.utils.module_loading import import_string

    settings.SECRET_KEY = options.secret_key
    settings.SECRET_KEY_FALLBACKS = options.fallback
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
        (write, 'stores the sessions {"name", "data"}'),
        (read, 'reads the sessions {"name", "key"}'),
    ):
        command = commands.add_parser(run.__name__, help=f"{what} that come as lines on stdin")
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
        command.set_defaults(run=run)

    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    options.run(options)


if __name__ == "__main__":
    main()
