"""What logs, Prometheus, OpenTelemetry and Sentry are told (docs/deployment.md), and what none of them may learn."""

from __future__ import annotations

from mangaassist import environment
from mangaassist.concealing import remember_secrets
from mangaassist.logs import logging_config
from mangaassist.settings.basis import EMBEDDED
from mangaassist.settings.mail import EMAIL_HOST_PASSWORD
from mangaassist.settings.security import SECRET_KEY, WIDGET_IDENTITY_KEY

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
