"""Settings, which come from the environment: one project for every engine.

SECRET_KEY      the secret
SESSION_ENGINE  db, file, signed_cookies, cache or cached_db
DATABASE        a SQLite file, or postgres://…
CACHE           redis://… or memcached://HOST:PORT
FILES           the directory of the engine `file`
SESSION_SAVE_EVERY_REQUEST, SESSION_EXPIRE_AT_BROWSER_CLOSE  `1`, or nothing
"""

import os

import places

SECRET_KEY = os.environ["SECRET_KEY"]
SESSION_ENGINE = "django.contrib.sessions.backends." + os.environ.get("SESSION_ENGINE", "db")
SESSION_FILE_PATH = os.environ.get("FILES")
SESSION_SAVE_EVERY_REQUEST = bool(os.environ.get("SESSION_SAVE_EVERY_REQUEST"))
SESSION_EXPIRE_AT_BROWSER_CLOSE = bool(os.environ.get("SESSION_EXPIRE_AT_BROWSER_CLOSE"))
DATABASES = {"default": places.database(os.environ["DATABASE"])}
CACHES = {"default": places.cache(os.environ.get("CACHE"))}

ALLOWED_HOSTS = ["127.0.0.1"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
LOGIN_REDIRECT_URL = "who"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
# The only user's password is made for one run, and hashing it slowly protects nobody.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ROOT_URLCONF = "web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.locmem.Loader",
                    {
                        "registration/login.html": "<form method=post>{% csrf_token %}{{ form }}"
                        "<button>Log in</button></form>"
                    },
                )
            ],
        },
    }
]
TIME_ZONE = "UTC"
USE_TZ = True
