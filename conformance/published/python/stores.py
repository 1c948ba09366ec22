"""The stores that adapter.py opens. A class opens one, and asks it as its framework does."""

import json
import os
import shutil
import warnings
from datetime import timedelta
from importlib.metadata import version

import flask
import litestar.stores.file
import litestar.stores.memory
import litestar.stores.redis
from cachelib.file import FileSystemCache
from flask_session.base import ServerSideSession
from flask_session.cachelib import CacheLibSessionInterface
from flask_session.redis import RedisSessionInterface
from flask_session.sqlalchemy import SqlAlchemySessionInterface
from flask_sqlalchemy import SQLAlchemy
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

warnings.simplefilter("ignore")


class Flask:
    """A session interface of Flask-Session, by the three methods that each of them has.

    A life is a setting there, in whole seconds, and never nothing: what has none left is deleted.
    """

    version = version("Flask-Session")
    resolution_us = 1_000_000
    capabilities = {}
    # It packs data with msgpack, which has no integers beyond 64 bits, and only text that UTF-8 has.
    values = {"huge_integers": "unsupported", "lone_surrogates": "unsupported"}

    def get(self, key):
        return self.interface._retrieve_session_data(self.interface._get_store_id(key))

    def set(self, key, data, left_us):
        if left_us <= 0:
            return self.destroy(key)
        session = ServerSideSession(data, sid=key)
        life = timedelta(seconds=left_us // 1_000_000)
        self.interface._upsert_session(life, session, self.interface._get_store_id(key))

    def destroy(self, key):
        self.interface._delete_session(self.interface._get_store_id(key))

    def close(self):
        pass


class FlaskRedis(Flask):
    name = "Flask-Session RedisSessionInterface"
    capabilities = {"clear_expired": "automatic"}

    def open(self, place, fresh, site):
        client = Redis.from_url(f"redis://{os.environ['SERVER']}")
        self.interface = RedisSessionInterface(flask.Flask("suite"), client=client, key_prefix=f"{site}:")

    def close(self):
        self.interface.client.close()


class FlaskCachelib(Flask):
    name = "Flask-Session CacheLibSessionInterface, FileSystemCache"
    values = {}  # it pickles them

    def open(self, place, fresh, site):
        path = f"{place}/sessions"
        if fresh:
            shutil.rmtree(path, ignore_errors=True)
        self.interface = CacheLibSessionInterface(flask.Flask("suite"), client=FileSystemCache(path))


class FlaskSqlAlchemy(Flask):
    name = "Flask-Session SqlAlchemySessionInterface, SQLite"

    def open(self, place, fresh, site):
        app = flask.Flask("suite")
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{place}/sessions.sqlite"
        database = SQLAlchemy(app)
        self.interface = SqlAlchemySessionInterface(app, client=database)
        if fresh:
            with app.app_context():
                database.session.query(self.interface.sql_session_model).delete()
                database.session.commit()

    def get(self, key):
        with self.interface.app.app_context():
            return super().get(key)

    def set(self, key, data, left_us):
        with self.interface.app.app_context():
            super().set(key, data, left_us)

    def destroy(self, key):
        with self.interface.app.app_context():
            super().destroy(key)


class Litestar:
    """A store of Litestar, which keeps bytes, for a time that must be more than nothing."""

    version = version("litestar")
    resolution_us = 1
    capabilities = {}
    values = {}

    async def get(self, key):
        data = await self.store.get(key)
        return None if data is None else json.loads(data)

    async def set(self, key, data, left_us):
        if left_us <= 0:
            return await self.destroy(key)
        await self.store.set(key, json.dumps(data), expires_in=timedelta(microseconds=left_us))

    async def destroy(self, key):
        await self.store.delete(key)

    def close(self):
        pass


class LitestarMemory(Litestar):
    name = "Litestar MemoryStore"
    capabilities = {"persistent": False, "shared": False}

    def open(self, place, fresh, site):
        self.store = litestar.stores.memory.MemoryStore()


class LitestarFile(Litestar):
    name = "Litestar FileStore"

    async def open(self, place, fresh, site):
        self.store = litestar.stores.file.FileStore(f"{place}/sessions")
        if fresh:
            shutil.rmtree(f"{place}/sessions", ignore_errors=True)


class LitestarRedis(Litestar):
    name = "Litestar RedisStore"
    resolution_us = 1_000_000  # its client tells the Redis whole seconds
    capabilities = {"clear_expired": "automatic"}

    def open(self, place, fresh, site):
        self.client = AsyncRedis.from_url(f"redis://{os.environ['SERVER']}")
        self.store = litestar.stores.redis.RedisStore(self.client, namespace=site)

    async def close(self):
        await self.client.aclose()


STORES = {
    "flask_redis": FlaskRedis,
    "flask_cachelib": FlaskCachelib,
    "flask_sqlalchemy": FlaskSqlAlchemy,
    "litestar_memory": LitestarMemory,
    "litestar_file": LitestarFile,
    "litestar_redis": LitestarRedis,
}
