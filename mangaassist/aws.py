"""The only maker of boto3 clients. Backends call it; nothing else imports boto3.

botocore's own ``AWS_*`` environment (``AWS_ENDPOINT_URL_<SERVICE>`` included) works as it does everywhere.
"""

from __future__ import annotations

import threading
from typing import Any, Literal

import boto3
from botocore.config import Config

Path = Literal["hot", "worker"]

# Hot path: Personalize usually answers in about 200 ms; 600 ms is late, with no time for a second try.
_CONFIGS: dict[Path, Config] = {
    "hot": Config(
        connect_timeout=0.2,
        read_timeout=0.6,
        retries={"total_max_attempts": 1},
        max_pool_connections=64,
        tcp_keepalive=True,
    ),
    "worker": Config(
        connect_timeout=2,
        read_timeout=30,
        retries={"total_max_attempts": 5, "mode": "standard"},
        tcp_keepalive=True,
    ),
}
_lock = threading.Lock()


def client(service: str, path: Path, *, region: str = "", **overrides: Any) -> Any:
    """A new boto3 client (130-190 ms: keep it). ``path`` picks time-outs and retries.

    ``overrides`` are ``botocore.config.Config`` fields on top, for instance ``read_timeout=5``.
    """
    config = _CONFIGS[path].merge(Config(**overrides)) if overrides else _CONFIGS[path]
    # boto3's default session is not safe to create from two threads at once.
    with _lock:
        return boto3.client(service, region_name=region or None, config=config)
