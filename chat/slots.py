"""Slots: places in an answer's text that are filled at release, ``{{kind:id}}``."""

from __future__ import annotations

import re

SLOT = re.compile(r"\{\{(?P<kind>[a-z_]+):(?P<id>[^{}]{1,160})\}\}")
