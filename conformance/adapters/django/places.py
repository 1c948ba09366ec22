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
    """An entry of `CACHES`: `redis://…`, `memcached://HOST:PORT`, or nothing for the memory of the process."""
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if url.startswith("memcached://"):
        location = url.removeprefix("memcached://")
        return {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": location}
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
