"""Every setting; with mangaassist/environment.py the only reader of the environment.

``MANGAASSIST_PROFILE`` picks the defaults: ``embedded`` (SQLite, a private Redis, local engines; no keys) or
``aws``. Each role can be switched alone: ``RECOMMENDER=personalize``, ``RECOMMENDER_OPTIONS='{"…": …}'``.
What is wrong with a value is said by the system checks in mangaassist/checks.py, one line per fault.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF

from mangaassist import embedded, environment
from mangaassist.concealing import remember_secrets
from mangaassist.logs import logging_config

# Lets classes such as admin.ModelAdmin[Series] say what they are about, at run time as for mypy.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

PROFILE = environment.choice("MANGAASSIST_PROFILE", "embedded", ("embedded", "aws"))
EMBEDDED = PROFILE == "embedded"
DATA_DIR = Path(environment.text("DATA_DIR", str(BASE_DIR / "var"), shown="./var")).resolve()
# Demo data, demo sign-in and the shop's pages exist only here.
DEMO = environment.boolean("DEMO", EMBEDDED)
if DEMO and not EMBEDDED:
    environment.faults.append("DEMO=1 contradicts MANGAASSIST_PROFILE=aws: demo data is for the embedded profile only.")
    DEMO = False
DEBUG = environment.boolean("DEBUG", False)

# --- Security ---------------------------------------------------------------------------------------------

SECRET_KEY = environment.text("SECRET_KEY") or (embedded.secret_key(DATA_DIR) if EMBEDDED else "")
if not SECRET_KEY:
    environment.faults.append("SECRET_KEY must be set outside the embedded profile.")
    SECRET_KEY = "unset-and-refused-by-the-system-checks"  # noqa: S105  # nosec B105  # no start with it
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]" if EMBEDDED else "")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")
# Origins (scheme://host[:port]) of pages, other than our own, that may embed the widget.
WIDGET_ALLOWED_ORIGINS = environment.words("WIDGET_ALLOWED_ORIGINS")
# HS256 secret shared with the shop that signs ``identity`` tokens; empty: no such sign-in.
WIDGET_IDENTITY_KEY = environment.text("WIDGET_IDENTITY_KEY")

HTTPS = environment.boolean("HTTPS", not EMBEDDED)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# With this prefix a browser takes them from this very host over https only (RFC 6265bis, section 4.1.3).
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = HTTPS, True, "Lax"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"

# --- The operator's room ----------------------------------------------------------------------------------

# Where it is, without the slash before: another path than everybody tries first.
ADMIN_PATH = environment.room_path("ADMIN_PATH", "admin/")
# A session of staff ends after so many minutes without a page, and in any case after so many hours.
STAFF_IDLE_MIN = environment.number("STAFF_IDLE_MIN", 60, low=5, high=24 * 60)
STAFF_SESSION_H = environment.number("STAFF_SESSION_H", 12, low=0.5, high=24 * 7)
# So many wrong passwords within so many minutes, and an account takes no more from strangers for as long.
SIGN_IN_FAILURES = int(environment.number("SIGN_IN_FAILURES", 10, low=3, high=1000))
SIGN_IN_PAUSE_MIN = environment.number("SIGN_IN_PAUSE_MIN", 15, low=1, high=24 * 60)
# For passwords of staff (NIST SP 800-63B: long, and none that everybody tries).
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUDIT_KEPT_DAYS = environment.number("AUDIT_KEPT_DAYS", 730, low=30, high=3650)

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
# What no page of ours asks a browser for (https://www.w3.org/TR/permissions-policy/).
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer browsing-topics camera display-capture geolocation gyroscope magnetometer microphone midi "
        "payment serial usb"
    ).split()
)

# --- Applications -----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "mangaassist",
    "mangaassist.admin_site.MangaAssistAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "channels",
    # Serves the API pages' scripts from our own static files.
    "ninja",
    "mangaassist.access",
    "mangaassist.privacy",
    "mangaassist.outbox",
    "caching",
    "shop",
    "knowledge",
    "recommendations",
    "escalation",
    "chat",
    "mangaassist.analytics",
    "mangaassist.health",
    "partners",
    "storefront",
]

MIDDLEWARE = [
    "mangaassist.headers.complete_headers",
    "mangaassist.health.middleware.answer_probes",
    "mangaassist.request_ids.name_requests",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    # Behind these: what it puts in place of an answer gets their headers as well.
    "partners.middleware.PartnerMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "mangaassist.access.middleware.watch_room",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mangaassist.urls"
ASGI_APPLICATION = "mangaassist.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "storefront.context.storefront",
            ],
        },
    }
]

# --- Stores -----------------------------------------------------------------------------------------------

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
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;"
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

# --- Celery -----------------------------------------------------------------------------------------------

# Redis, or Amazon SQS (docs/decisions/0009-celery-queues-and-limits.md says what the queues are for).
CELERY_BROKER_URL = environment.broker_url(environment.celery_url(REDIS_URLS["broker"]))
# SQS: the queues' common address without the name at its end, as in https://sqs.eu-west-1.amazonaws.com/1234/shop-
CELERY_SQS_URL_PREFIX = environment.text("CELERY_SQS_URL_PREFIX")
if CELERY_BROKER_URL == "sqs://" and not CELERY_SQS_URL_PREFIX:
    environment.faults.append("CELERY_BROKER_URL=sqs:// needs CELERY_SQS_URL_PREFIX.")
CELERY_TASK_IGNORE_RESULT = True
# Whoever can write to the broker must not be able to run code here.
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Early acknowledgement: a worker with a late one exits when Redis drops. The outbox row is the truth.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Nobody commands workers over the broker, and SQS could not carry it.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
# How long a task of the queue `batch` may take, seconds; its process is then killed.
BATCH_LIMIT_S = environment.number("BATCH_LIMIT_S", 3600, low=2, high=40_000)
CELERY_TASK_TIME_LIMIT = BATCH_LIMIT_S
CELERY_TASK_SOFT_TIME_LIMIT = BATCH_LIMIT_S * 0.95
_QUEUES = ("interactive", "delivery", "batch")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        # Queues that exist already: the application needs no right to list or to create any.
        "predefined_queues": {name: {"url": CELERY_SQS_URL_PREFIX + name} for name in _QUEUES},
        "wait_time_seconds": 10,
        "polling_interval": 0.1,
        # Read over the ten seconds that an empty queue takes to answer.
        "client-config": {
            "connect_timeout": 2,
            "read_timeout": 15,
            "retries": {"total_max_attempts": 2, "mode": "standard"},
        },
    }
    if CELERY_BROKER_URL == "sqs://"
    else {"socket_timeout": 2, "socket_connect_timeout": 2, "max_retries": 1}
) | {"visibility_timeout": BATCH_LIMIT_S + 60}
# What somebody waits for, what must leave in seconds, what may take its time. An outbox topic names its own.
CELERY_TASK_DEFAULT_QUEUE = "delivery"
CELERY_TASK_ROUTES = {
    "mangaassist.outbox.tasks.sweep": {"queue": "interactive"},
    "chat.tasks.fail_left_turns": {"queue": "interactive"},
    "mangaassist.outbox.tasks.prune": {"queue": "batch"},
    "mangaassist.analytics.tasks.prune": {"queue": "batch"},
    "mangaassist.access.tasks.*": {"queue": "batch"},
    "mangaassist.privacy.tasks.*": {"queue": "batch"},
    "recommendations.tasks.*": {"queue": "batch"},
    "caching.tasks.*": {"queue": "batch"},
    "knowledge.tasks.look_at_source": {"queue": "batch"},
    "knowledge.tasks.purge": {"queue": "batch"},
    "knowledge.tasks.embed_the_rest": {"queue": "batch"},
    "partners.tasks.purge_idempotent_requests": {"queue": "batch"},
    "shop.tasks.*": {"queue": "batch"},
    "partners.tasks.purge_webhook_log": {"queue": "batch"},
}
CELERY_TIMEZONE = "UTC"
# Whether a stored effect wakes the worker at once; beat finds it within two seconds in any case.
OUTBOX_WAKE = environment.boolean("OUTBOX_WAKE", True)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
RECOMMENDER_TRAIN_EVERY_H = environment.number("RECOMMENDER_TRAIN_EVERY_H", 24, low=0.1, high=24 * 30)
# After an import of at least so many new interactions it trains as well.
RECOMMENDER_TRAIN_AFTER = int(environment.number("RECOMMENDER_TRAIN_AFTER", 1_000, low=1, high=1e9))
# A new model may find at most this share less than the one in force.
RECOMMENDER_MAX_LOSS = environment.number("RECOMMENDER_MAX_LOSS", 0.2, low=0, high=1)
# The share of discoveries that goes to new series; 0: none.
RECOMMENDER_EXPLORE_SHARE = environment.number("RECOMMENDER_EXPLORE_SHARE", 0.05, low=0, high=0.3)
# Events in our own table are removed after so many days; a stream's retention is its own affair.
ANALYTICS_KEPT_DAYS = environment.number("ANALYTICS_KEPT_DAYS", 90, low=1, high=3650)
# The same of what shoppers said and did (docs/operators.md, Privacy): days since the last word, the closing of a
# handoff, the interaction, the last touch of a cart.
CONVERSATIONS_KEPT_DAYS = environment.number("CONVERSATIONS_KEPT_DAYS", 365, low=1, high=3650)
HANDOFFS_KEPT_DAYS = environment.number("HANDOFFS_KEPT_DAYS", 365, low=1, high=3650)
INTERACTIONS_KEPT_DAYS = environment.number("INTERACTIONS_KEPT_DAYS", 1095, low=1, high=3650)
CARTS_KEPT_DAYS = environment.number("CARTS_KEPT_DAYS", 180, low=1, high=3650)
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "outbox-sweep": {"task": "mangaassist.outbox.tasks.sweep", "schedule": 2.0, "options": {"expires": 2}},
    "outbox-prune": {"task": "mangaassist.outbox.tasks.prune", "schedule": 3600.0},
    "access-forget-old": {"task": "mangaassist.access.tasks.forget_old", "schedule": 3600.0},
    "enforce-retention": {"task": "mangaassist.privacy.tasks.enforce_retention", "schedule": 3600.0},
    "finish-erasures": {
        "task": "mangaassist.privacy.tasks.finish_erasures",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "analytics-prune": {"task": "mangaassist.analytics.tasks.prune", "schedule": 3600.0},
    # Ends after ten seconds, whatever is left to count.
    "roll-up": {"task": "mangaassist.analytics.tasks.roll_up", "schedule": 60.0, "options": {"expires": 60}},
    # One through each queue that shoppers depend on.
    **{
        f"heartbeat-{queue}": {
            "task": "mangaassist.health.tasks.heartbeat",
            "schedule": 5.0,
            "args": (queue,),
            "options": {"expires": 5, "queue": queue},
        }
        for queue in ("interactive", "delivery")
    },
    # Web processes take over what a dead one left; this is for turns that nobody waits for.
    "fail-left-turns": {"task": "chat.tasks.fail_left_turns", "schedule": 2.0, "options": {"expires": 2}},
    "return-silent-agents": {"task": "escalation.tasks.return_silent", "schedule": 15.0, "options": {"expires": 15}},
    "watch-cache-server": {"task": "caching.tasks.watch_server", "schedule": 60.0, "options": {"expires": 60}},
    "embed-the-rest": {"task": "knowledge.tasks.embed_the_rest", "schedule": 60.0, "options": {"expires": 60}},
    "watch-knowledge-folder": {"task": "knowledge.tasks.watch_folder", "schedule": 5.0, "options": {"expires": 5}},
    "look-at-knowledge-source": {"task": "knowledge.tasks.look_at_source", "schedule": 3600.0},
    "purge-knowledge-index": {"task": "knowledge.tasks.purge", "schedule": 3600.0},
    "purge-idempotent-requests": {"task": "partners.tasks.purge_idempotent_requests", "schedule": 3600.0},
    "take-uploaded-feeds": {"task": "shop.tasks.take_feed", "schedule": 15.0, "options": {"expires": 15}},
    "purge-feeds-and-events": {"task": "shop.tasks.purge", "schedule": 3600.0},
    "purge-webhook-log": {"task": "partners.tasks.purge_webhook_log", "schedule": 3600.0},
    "retrain-recommender": {"task": "recommendations.tasks.train", "schedule": RECOMMENDER_TRAIN_EVERY_H * 3600},
}

# --- Roles (contract: roles and backends) -----------------------------------------------------------------

# role: (embedded default, aws default, {short name: dotted path})
_ROLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "RECOMMENDER": (
        "local",
        "personalize",
        {
            "local": "recommendations.backends.local.LocalEngine",
            "personalize": "recommendations.backends.personalize.PersonalizeRecommender",
        },
    ),
    "GENERATOR": (
        "composer",
        "bedrock",
        {
            "composer": "chat.backends.composer.ComposerGenerator",
            "bedrock": "chat.backends.bedrock.BedrockGenerator",
            "openai": "chat.backends.openai.OpenAIGenerator",
        },
    ),
    "OFFERS": ("database", "database", {"database": "shop.backends.database.DatabaseOffers"}),
    "ORDERS": ("database", "database", {"database": "shop.backends.database.DatabaseOrders"}),
    "MEMORY": (
        "database",
        "dynamodb",
        {"database": "chat.backends.database.DatabaseMemory", "dynamodb": "chat.backends.dynamodb.DynamoMemory"},
    ),
    "ANALYTICS": (
        "database",
        "kinesis",
        {
            "database": "mangaassist.analytics.backends.database.DatabaseStream",
            "kinesis": "mangaassist.analytics.backends.kinesis.KinesisStream",
        },
    ),
    "FEEDBACK_QUEUE": (
        "database",
        "sqs",
        {
            "database": "mangaassist.outbox.backends.database.DatabaseQueue",
            "sqs": "mangaassist.outbox.backends.sqs.SqsQueue",
        },
    ),
    "REINDEX_STREAM": (
        "database",
        "kinesis",
        {
            "database": "mangaassist.outbox.backends.database_stream.DatabaseStream",
            "kinesis": "mangaassist.outbox.backends.kinesis_stream.KinesisStream",
        },
    ),
    "KNOWLEDGE_SOURCE": (
        "folder",
        "s3",
        {"folder": "knowledge.backends.folder.FolderSource", "s3": "knowledge.backends.s3.S3Source"},
    ),
    # Whose vectors find passages by what they mean, beside their words (docs/knowledge.md).
    "EMBEDDER": (
        "none",
        "none",
        {
            "none": "",
            "bedrock": "knowledge.backends.bedrock_embedder.BedrockEmbedder",
            "openai": "knowledge.backends.openai_embedder.OpenAIEmbedder",
        },
    ),
    "HANDOFF": (
        "desk",
        "connect",
        {"desk": "escalation.backends.desk.Desk", "connect": "escalation.backends.connect.Connect"},
    ),
}
# Options that have an environment variable of their own: (role, short name) → {option: variable}.
_ROLE_VARIABLES: dict[tuple[str, str], dict[str, str]] = {
    ("RECOMMENDER", "personalize"): {
        "campaign_arn": "PERSONALIZE_CAMPAIGN_ARN",
        "similar_items_campaign_arn": "PERSONALIZE_SIMILAR_ITEMS_CAMPAIGN_ARN",
        "popularity_campaign_arn": "PERSONALIZE_POPULARITY_CAMPAIGN_ARN",
        "in_stock_filter_arn": "PERSONALIZE_IN_STOCK_FILTER_ARN",
        "ranking_campaign_arn": "PERSONALIZE_RANKING_CAMPAIGN_ARN",
        "tracking_id": "PERSONALIZE_TRACKING_ID",
        "items_dataset_arn": "PERSONALIZE_ITEMS_DATASET_ARN",
        "users_dataset_arn": "PERSONALIZE_USERS_DATASET_ARN",
        "dataset_group_arn": "PERSONALIZE_DATASET_GROUP_ARN",
        "deletion_location": "PERSONALIZE_DELETION_LOCATION",
        "deletion_role_arn": "PERSONALIZE_DELETION_ROLE_ARN",
    },
    ("GENERATOR", "bedrock"): {
        "model_id": "BEDROCK_MODEL_ID",
        "guardrail_id": "BEDROCK_GUARDRAIL_ID",
        "guardrail_version": "BEDROCK_GUARDRAIL_VERSION",
    },
    ("GENERATOR", "openai"): {"base_url": "OPENAI_BASE_URL", "api_key": "OPENAI_API_KEY", "model": "OPENAI_MODEL"},
    ("MEMORY", "dynamodb"): {"table": "DYNAMODB_MEMORY_TABLE"},
    ("ANALYTICS", "kinesis"): {"stream": "KINESIS_ANALYTICS_STREAM"},
    ("FEEDBACK_QUEUE", "sqs"): {"queue_url": "FEEDBACK_QUEUE_URL"},
    ("REINDEX_STREAM", "kinesis"): {"stream": "KINESIS_REINDEX_STREAM"},
    ("KNOWLEDGE_SOURCE", "s3"): {"bucket": "KNOWLEDGE_BUCKET", "events_queue_url": "KNOWLEDGE_EVENTS_QUEUE_URL"},
    ("EMBEDDER", "bedrock"): {"model_id": "BEDROCK_EMBEDDING_MODEL_ID"},
    ("EMBEDDER", "openai"): {
        "base_url": "EMBEDDINGS_BASE_URL",
        "api_key": "EMBEDDINGS_API_KEY",
        "model": "EMBEDDINGS_MODEL",
    },
    ("HANDOFF", "connect"): {
        "instance_id": "CONNECT_INSTANCE_ID",
        "contact_flow_id": "CONNECT_CONTACT_FLOW_ID",
        "queue_id": "CONNECT_QUEUE_ID",
        "kind": "CONNECT_CONTACT_KIND",
        "fallback": "CONNECT_FALLBACK",
        "streaming_topic_arn": "CONNECT_STREAMING_TOPIC_ARN",
        "desk_url": "CONNECT_DESK_URL",
    },
}


ROLES = tuple(_ROLES)
# The same by the backend's dotted path, for the system checks.
OPTION_VARIABLES = {_ROLES[role][2][name]: variables for (role, name), variables in _ROLE_VARIABLES.items()}
# Those that their backend cannot do without.
REQUIRED_VARIABLES = {
    "PERSONALIZE_CAMPAIGN_ARN",
    "BEDROCK_MODEL_ID",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "KINESIS_ANALYTICS_STREAM",
    "FEEDBACK_QUEUE_URL",
    "DYNAMODB_MEMORY_TABLE",
    "KINESIS_REINDEX_STREAM",
    "KNOWLEDGE_BUCKET",
    "BEDROCK_EMBEDDING_MODEL_ID",
    "EMBEDDINGS_BASE_URL",
    "EMBEDDINGS_MODEL",
    "CONNECT_INSTANCE_ID",
    "CONNECT_CONTACT_FLOW_ID",
}


def _role(role: str) -> dict[str, dict[str, Any]]:
    """The role's setting; empty for a role that may have no backend."""
    for_embedded, for_aws, backends = _ROLES[role]
    name = environment.text(
        role,
        for_embedded if EMBEDDED else for_aws,
        kind=", ".join(f"`{each}`" for each in backends) + " or a dotted path",
        shown=for_embedded if for_embedded == for_aws else f"{for_embedded}; {for_aws} in the aws profile",
    )
    if name not in backends and "." not in name:
        environment.faults.append(
            f"{role}={name!r} is unknown; choose one of {', '.join(backends)} or give a dotted path."
        )
        name = for_embedded
    # A dotted path of ours is the same backend, with the same variables.
    name = next((short for short, path in backends.items() if path == name), name)
    if not backends.get(name, name):
        return {}
    variables = _ROLE_VARIABLES.get((role, name), {})
    options = {option: environment.text(variable) for option, variable in variables.items()}
    return {
        "default": {
            "BACKEND": backends.get(name, name),
            "OPTIONS": {key: value for key, value in options.items() if value} | environment.options(f"{role}_OPTIONS"),
        }
    }


# The fallback answers while the configured engine cannot.
RECOMMENDERS = _role("RECOMMENDER") | {
    "fallback": {"BACKEND": "recommendations.backends.local.LocalEngine", "OPTIONS": {}}
}
GENERATORS = _role("GENERATOR")
if bool(environment.text("BEDROCK_GUARDRAIL_ID")) != bool(environment.text("BEDROCK_GUARDRAIL_VERSION")):
    environment.faults.append("BEDROCK_GUARDRAIL_ID and BEDROCK_GUARDRAIL_VERSION go together: set both or none.")
if not (environment.text("OPENAI_BASE_URL") or "http://").startswith(("http://", "https://")):
    environment.faults.append("OPENAI_BASE_URL must look like http://host:port/v1.")
OFFERS = _role("OFFERS")
ORDERS = _role("ORDERS")
MEMORY = _role("MEMORY")
ANALYTICS = _role("ANALYTICS")
FEEDBACK_QUEUES = _role("FEEDBACK_QUEUE")
REINDEX_STREAMS = _role("REINDEX_STREAM")
KNOWLEDGE_SOURCES = _role("KNOWLEDGE_SOURCE")
EMBEDDERS = _role("EMBEDDER")
if not (environment.text("EMBEDDINGS_BASE_URL") or "http://").startswith(("http://", "https://")):
    environment.faults.append("EMBEDDINGS_BASE_URL must look like http://host:port/v1.")
HANDOFFS = _role("HANDOFF")
# What comes back from a contact centre.
_handoff_events_url = environment.text("CONNECT_EVENTS_QUEUE_URL")
HANDOFF_EVENTS_QUEUES: dict[str, dict[str, Any]] = (
    {
        "default": {
            "BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue",
            "OPTIONS": {"queue_url": _handoff_events_url},
        }
    }
    if _handoff_events_url
    else {}
)

# --- The assistant ----------------------------------------------------------------------------------------

# What a step should take, seconds: over it, the trace marks it.
TURN_BUDGETS_S = {
    "understand": 0.020,
    "products": 0.050,
    "recommendations": 0.200,
    "generate": 1.5,
    "guard": 0.100,
}
# What a step may take, seconds: then the answer goes on without it (contract, promise 4).
TURN_LIMITS_S = {
    "products": environment.number("PRODUCTS_LIMIT_S", 0.5, low=0.01, high=30),
    "recommendations": environment.number("RECOMMENDATIONS_LIMIT_S", 0.6, low=0.01, high=30),
    "passages": environment.number("PASSAGES_LIMIT_S", 0.5, low=0.01, high=30),
    "first_token": environment.number("FIRST_TOKEN_LIMIT_S", 5, low=0.1, high=60),
    "token_gap": environment.number("TOKEN_GAP_LIMIT_S", 5, low=0.1, high=60),
    "turn": environment.number("TURN_LIMIT_S", 30, low=1, high=120),
}
# How many turns a web process works on at once, and how many more may wait for a place (chat/room.py). Our own composer
# computes, so that more at once only make each other late; a model is waited for.
_TURNS_AT_ONCE = 32 if GENERATORS["default"]["BACKEND"] == "chat.backends.composer.ComposerGenerator" else 200
TURNS_AT_ONCE = int(environment.number("TURNS_AT_ONCE", _TURNS_AT_ONCE, low=1, high=100_000))
TURNS_WAITING = int(environment.number("TURNS_WAITING", 64, low=1, high=100_000))
# How fast one socket may send, after a burst of four (frames) or twenty (questions) seconds' worth.
SOCKET_FRAMES_PER_S = int(environment.number("SOCKET_FRAMES_PER_S", 10, low=1, high=100_000))
SOCKET_QUESTIONS_PER_S = environment.number("SOCKET_QUESTIONS_PER_S", 1, low=0.1, high=10_000)
# The same from one network address, over all processes. Many shoppers may sit behind one.
ADDRESS_QUESTIONS_PER_S = environment.number("ADDRESS_QUESTIONS_PER_S", 10, low=0.1, high=100_000)
ADDRESS_HELLOS_PER_S = environment.number("ADDRESS_HELLOS_PER_S", 20, low=0.1, high=100_000)
# Open sockets of one process: all, of one network address, and of all that have not said hello.
SOCKETS_PER_PROCESS = int(environment.number("SOCKETS_PER_PROCESS", 20_000, low=1, high=1_000_000))
SOCKETS_PER_ADDRESS = int(environment.number("SOCKETS_PER_ADDRESS", 1_000, low=1, high=1_000_000))
SOCKETS_WITHOUT_HELLO = int(environment.number("SOCKETS_WITHOUT_HELLO", 1_000, low=1, high=1_000_000))
# Proxies of ours, whose X-Forwarded-For is believed. Without them a proxy is one address with one share.
TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES")
WIDGET_TOKEN_TTL_S = 900
# An anonymous shopper keeps the conversation this long.
WIDGET_TOKEN_RENEWAL_S = 30 * 24 * 3600
# A feed that is uploaded: its body as sent, and unpacked; and how many of one sender's may wait to be taken in.
FEED_UPLOAD_BYTES = int(environment.number("FEED_UPLOAD_BYTES", 256 * 1024**2, low=1_000, high=1e12))
FEED_UNPACKED_BYTES = int(environment.number("FEED_UNPACKED_BYTES", 2 * 1024**3, low=1_000, high=1e13))
FEED_JOBS_WAITING = int(environment.number("FEED_JOBS_WAITING", 10, low=1, high=100_000))
LOW_STOCK_AT = int(environment.number("LOW_STOCK_AT", 5, low=1, high=1000))

# --- Partners' webhooks -----------------------------------------------------------------------------------

# Whether they may go to loopback, without TLS and to any port: for development and tests only.
WEBHOOK_LOOPBACK = environment.boolean("WEBHOOK_LOOPBACK", False)
if WEBHOOK_LOOPBACK and not EMBEDDED:
    environment.faults.append("WEBHOOK_LOOPBACK=1 contradicts MANGAASSIST_PROFILE=aws: it is for development only.")
    WEBHOOK_LOOPBACK = False
# How long one attempt may take, from the name to the answer.
WEBHOOK_TIMEOUT_S = environment.number("WEBHOOK_TIMEOUT_S", 15, low=0.1, high=30)
# What was sent, and how receivers answered, is removed after so many days.
WEBHOOK_LOG_DAYS = environment.number("WEBHOOK_LOG_DAYS", 14, low=1, high=365)

# --- Mail -------------------------------------------------------------------------------------------------

# Only a request that goes on by e-mail sends any. A laptop writes them into a folder.
EMAIL_BACKEND = f"django.core.mail.backends.{'filebased' if EMBEDDED else 'smtp'}.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"
EMAIL_HOST = environment.text("EMAIL_HOST", "localhost")
EMAIL_PORT = int(environment.number("EMAIL_PORT", 25, low=1, high=65535))
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = environment.boolean("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "MangaAssist <help@localhost>")

# --- Language, time, files --------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
# The shop's: its days begin at midnight there, and its operators read times in it.
TIME_ZONE = environment.zone("TIME_ZONE", "UTC")

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# A laptop serves the files as they lie; a deployment runs collectstatic and gets hashed, compressed names.
WHITENOISE_USE_FINDERS = EMBEDDED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if EMBEDDED
            else "mangaassist.static_files.ModuleStorage"
        )
    },
}
MEDIA_ROOT = DATA_DIR / "media"

# --- What Prometheus, OpenTelemetry and Sentry are told (docs/deployment.md) ---------------------------------

# Who may read /metrics of a web server, and only without a proxy in between.
METRICS_NETWORKS = environment.networks("METRICS_NETWORKS") or environment.PRIVATE_NETWORKS
# Where processes without a web server answer it; 0: nowhere. `make run` gives each the next port.
METRICS_PORT = int(environment.number("METRICS_PORT", 0, low=0, high=65_000))
METRICS_HOST = environment.text("METRICS_HOST", "127.0.0.1", kind="address")
# OpenTelemetry's exporter reads this and its others (OTEL_EXPORTER_OTLP_HEADERS, …) itself.
OTEL_EXPORTER_OTLP_ENDPOINT = environment.endpoint("OTEL_EXPORTER_OTLP_ENDPOINT")
SENTRY_DSN = environment.endpoint("SENTRY_DSN")
for _variable, _module, _extra in (
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry.sdk", "otel"),
    ("SENTRY_DSN", "sentry_sdk", "sentry"),
):
    if environment.text(_variable) and not environment.is_installed(_module):
        environment.faults.append(f"{_variable} is set, and needs the extra: pip install 'mangaassist[{_extra}]'.")

LOG_LEVEL = environment.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = environment.choice("LOG_FORMAT", "text" if EMBEDDED else "json", ("text", "json"))
LOGGING = logging_config(LOG_LEVEL, LOG_FORMAT)
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
# Of addresses the passwords alone: the rest of them is what one reads a log for.
_ADDRESSES = ("DATABASE_URL", "REDIS_URL", "REDIS_BROKER_URL", "REDIS_CHANNELS_URL", "REDIS_STREAMS_URL")
remember_secrets(
    [
        *(SECRET_KEY, WIDGET_IDENTITY_KEY, EMAIL_HOST_PASSWORD),
        *map(environment.text, ("OPENAI_API_KEY", "EMBEDDINGS_API_KEY", *_CREDENTIALS)),
        *(environment.password_in(name) for name in (*_ADDRESSES, "CELERY_BROKER_URL")),
    ]
)

SETTING_FAULTS = environment.faults
