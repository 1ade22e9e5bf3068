"""Our settings with django-cacheops installed. It changes every model's manager, so only bench/rivals.py's own
process has it.
"""

from mangaassist.settings import *  # noqa: F403
from mangaassist.settings import INSTALLED_APPS, REDIS_URLS

INSTALLED_APPS = [*INSTALLED_APPS, "cacheops"]
CACHEOPS_REDIS = REDIS_URLS["streams"]
CACHEOPS = {"shop.edition": {"ops": "get", "timeout": 3600}}
