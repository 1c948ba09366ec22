"""Where Django keeps what it stores, as its settings want it: entries of `DATABASES` and `CACHES` from URLs."""

from urllib.parse import unquote, urlsplit


def database(place):
    """An entry of `DATABASES`: a path is a SQLite file, `postgres://user:password@host:port/name` is PostgreSQL."""
    if not str(place).startswith("postgres"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(place)}
    url = urlsplit(place)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
    }


def cache(url):
    """An entry of `CACHES`: `redis://…`, `memcached://HOST:PORT`, `memory://ENTRIES` or nothing for the process's own."""
    scheme, _, rest = (url or "memory://").partition("://")
    match scheme:
        case "memory":
            options = {"OPTIONS": {"MAX_ENTRIES": int(rest)}} if rest else {}
            return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", **options}
        case "memcached":
            return {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": rest}
        case _:
            return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
