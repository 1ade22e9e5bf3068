"""What can be wrong with the RECOMMENDER settings, one line each (what is missing: mangaassist.checks)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

_ARNS = {
    "campaign_arn": "PERSONALIZE_CAMPAIGN_ARN",
    "similar_items_campaign_arn": "PERSONALIZE_SIMILAR_ITEMS_CAMPAIGN_ARN",
    "popularity_campaign_arn": "PERSONALIZE_POPULARITY_CAMPAIGN_ARN",
    "ranking_campaign_arn": "PERSONALIZE_RANKING_CAMPAIGN_ARN",
    "in_stock_filter_arn": "PERSONALIZE_IN_STOCK_FILTER_ARN",
    "items_dataset_arn": "PERSONALIZE_ITEMS_DATASET_ARN",
    "users_dataset_arn": "PERSONALIZE_USERS_DATASET_ARN",
    "dataset_group_arn": "PERSONALIZE_DATASET_GROUP_ARN",
}
# What a data deletion job takes: all three or none.
_DELETION = {
    "dataset_group_arn": "PERSONALIZE_DATASET_GROUP_ARN",
    "deletion_location": "PERSONALIZE_DELETION_LOCATION",
    "deletion_role_arn": "PERSONALIZE_DELETION_ROLE_ARN",
}
ROLE = r"arn:([a-z\d-]+):iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
LOCATION = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?"


@register
def personalize_is_configured(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    chosen = settings.RECOMMENDERS["default"]
    if not chosen["BACKEND"].endswith(".PersonalizeRecommender"):
        return []
    return [Error(fault, id="recommendations.E001") for fault in _faults(chosen.get("OPTIONS", {}))]


def _faults(options: dict[str, Any]) -> Iterator[str]:
    # Only here: it brings boto3 with it.
    from recommendations.backends.personalize import ARN

    for name, variable in _ARNS.items():
        if options.get(name) and not re.fullmatch(ARN, str(options[name])):
            yield f"{variable} is not the ARN of an Amazon Personalize resource."
    if options.get("deletion_role_arn") and not re.fullmatch(ROLE, str(options["deletion_role_arn"])):
        yield "PERSONALIZE_DELETION_ROLE_ARN is not the ARN of a role."
    if options.get("deletion_location") and not re.fullmatch(LOCATION, str(options["deletion_location"])):
        yield "PERSONALIZE_DELETION_LOCATION is not a place on S3: write s3://bucket/folder."
    missing = [variable for name, variable in _DELETION.items() if not options.get(name)]
    if 0 < len(missing) < len(_DELETION):
        yield f"To have a history forgotten, Amazon Personalize needs {' and '.join(missing)} as well."
