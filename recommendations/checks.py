"""What can be wrong with the RECOMMENDER settings, one line each (what is missing: mangaassist.checks)."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

_NAMES = {
    "campaign_arn": "PERSONALIZE_CAMPAIGN_ARN",
    "similar_items_campaign_arn": "PERSONALIZE_SIMILAR_ITEMS_CAMPAIGN_ARN",
    "popularity_campaign_arn": "PERSONALIZE_POPULARITY_CAMPAIGN_ARN",
    "in_stock_filter_arn": "PERSONALIZE_IN_STOCK_FILTER_ARN",
}


@register
def personalize_is_configured(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    chosen = settings.RECOMMENDERS["default"]
    if not chosen["BACKEND"].endswith(".PersonalizeRecommender"):
        return []
    # Only here: it brings boto3 with it.
    from recommendations.backends.personalize import ARN

    options = chosen.get("OPTIONS", {})
    faults = [
        f"{variable} is not the ARN of an Amazon Personalize resource."
        for name, variable in _NAMES.items()
        if options.get(name) and not re.fullmatch(ARN, options[name])
    ]
    return [Error(fault, id="recommendations.E001") for fault in faults]
