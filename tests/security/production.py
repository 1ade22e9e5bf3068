"""The environment of a deployment as docs/deployment.md describes it, with addresses that lead nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

ACCOUNT = "123456789012"
PRODUCTION = {
    "MANGAASSIST_PROFILE": "aws",
    "SECRET_KEY": "x7Qm2vRk9TzW4bLp8NcY5hJd3gFs6aUe1iOxBqKtVwZrM0nHjS",
    "ALLOWED_HOSTS": "shop.example",
    "DATABASE_URL": "postgres://mangaassist:password@db.example:5432/mangaassist",
    "REDIS_URL": "rediss://redis.example:6379/0",
    "TRUSTED_PROXIES": "10.0.0.0/16",
    "WIDGET_ALLOWED_ORIGINS": "https://www.shop.example",
    "WIDGET_IDENTITY_KEY": "b4nM1qWe7rTy2uIo5pAs8dFg3hJk6lZx9cVb0",
    "PERSONALIZE_CAMPAIGN_ARN": f"arn:aws:personalize:eu-west-1:{ACCOUNT}:campaign/user",
    "KINESIS_ANALYTICS_STREAM": "analytics",
    "KINESIS_REINDEX_STREAM": "rag-reindex",
    "FEEDBACK_QUEUE_URL": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/feedback",
    "DYNAMODB_MEMORY_TABLE": "memory",
    "KNOWLEDGE_BUCKET": "articles",
    "KNOWLEDGE_EVENTS_QUEUE_URL": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/knowledge-events",
    "BEDROCK_MODEL_ID": "amazon.nova-lite-v1:0",
    "CONNECT_INSTANCE_ID": "11111111-1111-1111-1111-111111111111",
    "CONNECT_CONTACT_FLOW_ID": "22222222-2222-2222-2222-222222222222",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def in_production(data_dir: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python with the settings of a deployment, in a process of its own: they are read at import."""
    outside = {name: value for name, value in os.environ.items() if name != "REDIS_TIMEOUT_S"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=outside | PRODUCTION | {"DATA_DIR": str(data_dir)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
