"""The database, Redis and what stands on it."""

from __future__ import annotations

from typing import Any

import dj_database_url

from mangaassist import embedded, environment
from mangaassist.settings.basis import DATA_DIR

_database: dict[str, Any] = {"ENGINE": "mangaassist.sqlite", "NAME": DATA_DIR / "mangaassist.sqlite3"}
if environment.text("DATABASE_URL"):
    try:
        _database = dict(dj_database_url.parse(environment.text("DATABASE_URL"), conn_max_age=60))
    except ValueError:  # Its text quotes the address, and with it the password.
        environment.faults.append(
            "DATABASE_URL is not a database's address: write postgres://user:password@host:port/name, with %23 for # "
            "and %2F for / in the password."
        )
DATABASES: dict[str, Any] = {"default": _database}
if DATABASES["default"]["ENGINE"] in {"django.db.backends.sqlite3", "mangaassist.sqlite"}:
    DATABASES["default"]["ENGINE"] = "mangaassist.sqlite"
    # A turn's steps run in a few threads that stay: opening the file anew for each cost an eighth of a turn.
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    # A file, as in production: threads share no in-memory database well.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"] = {
        # Writers queue at BEGIN instead of failing at their first write after a read.
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": (
            # Every thread has a connection, and each keeps so many KiB of pages; the rest the system keeps for all.
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4000; PRAGMA temp_store=MEMORY;"
        ),
    }

REDIS_URL = environment.text(
    "REDIS_URL", f"unix://{embedded.redis_socket(DATA_DIR)}?db=0", shown="a Redis of our own in DATA_DIR"
)
# No REDIS_URL: `make run` and `runserver` start a Redis of our own.
PRIVATE_REDIS = not environment.text("REDIS_URL")
REDIS_URLS = environment.redis_urls(REDIS_URL)
REDIS_TIMEOUT_S = environment.number("REDIS_TIMEOUT_S", 0.05, low=0.005, high=10)
# Put before every cache key, for shops that share one Redis.
CACHE_KEY_PREFIX = environment.text("CACHE_KEY_PREFIX")

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URLS["cache"],
        "OPTIONS": {
            "SOCKET_TIMEOUT": REDIS_TIMEOUT_S,
            "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT_S,
        },
    }
}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URLS["channels"]]},
    }
}
