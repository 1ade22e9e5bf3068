"""Amazon Personalize: GetRecommendations of a user, a similar-items and a popularity campaign.

botocore does not check most limits of the service, and the service answers a breach with an error that costs a
whole attempt, so they are kept here. Items in Personalize are ASINs.
"""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from django.core.exceptions import ImproperlyConfigured

from mangaassist import aws
from mangaassist.breaker import BoundedExecutor, Breaker, BreakerOpen, ExecutorFull
from recommendations.backends.base import (
    Ranked,
    RankedItem,
    ReasonCode,
    Recommender,
    RecommenderQuery,
    RecommenderUnavailable,
)

log = structlog.get_logger(__name__)

# Limits of the service (personalize-runtime 2018-05-22).
LONGEST_ID = 256
MOST_RESULTS = 500
MOST_CONTEXT = 150
LONGEST_CONTEXT_VALUE = 1000
CONTEXT_KEY = r"[A-Za-z\d_]{1,150}"
ARN = r"arn:([a-z\d-]+):personalize:.*:.*:.+"
LONGEST_ARN = 256

# Many editions of one series come back, of which the shopper sees one: so many are asked for per wanted item.
ITEMS_PER_SERIES = 5
THREADS = 16
QUEUE = 16


class PersonalizeRecommender(Recommender):
    """``answer_within_s``: how long an answer is waited for. A late one is still read by its thread, and counts as
    the success that it is: the usual answer time of 200 ms has a tail, and only real failures open the breaker.
    """

    def __init__(
        self,
        *,
        campaign_arn: str,
        similar_items_campaign_arn: str = "",
        popularity_campaign_arn: str = "",
        in_stock_filter_arn: str = "",
        tracking_id: str = "",
        region: str = "",
        answer_within_s: float = 0.45,
    ) -> None:
        for arn in (campaign_arn, similar_items_campaign_arn, popularity_campaign_arn, in_stock_filter_arn):
            if arn and not (len(arn) <= LONGEST_ARN and re.fullmatch(ARN, arn)):
                raise ImproperlyConfigured(f"{arn!r} is not the ARN of an Amazon Personalize resource.")
        if not campaign_arn:
            raise ImproperlyConfigured("Amazon Personalize needs a campaign ARN.")
        self._campaign = campaign_arn
        self._similar_campaign = similar_items_campaign_arn
        self._popularity_campaign = popularity_campaign_arn
        self._filter = in_stock_filter_arn
        # Of the event tracker: PutEvents needs it, recommendations do not.
        self.tracking_id = tracking_id
        self._answer_within_s = answer_within_s
        self._client = aws.client("personalize-runtime", "hot", region=region)
        self._executor = BoundedExecutor("personalize", threads=THREADS, queue=QUEUE)
        self._breaker = Breaker("personalize")
        arns = (campaign_arn, similar_items_campaign_arn, popularity_campaign_arn, in_stock_filter_arn)
        self._version = "personalize-" + hashlib.blake2b("\n".join(arns).encode(), digest_size=6).hexdigest()

    @property
    def version(self) -> str:
        return self._version

    def recommend(self, query: RecommenderQuery) -> Ranked:
        """Items name ASINs; ``wish`` and ``exclude_series`` are left to the caller."""
        arguments, reason = self._arguments(query)
        try:
            self._breaker.check()
            future = self._executor.submit(lambda: self._ask(arguments))
        except (BreakerOpen, ExecutorFull) as error:
            raise RecommenderUnavailable(f"Amazon Personalize is not asked now: {error!r}") from error
        try:
            answer = future.result(timeout=self._answer_within_s)
        except FutureTimeoutError as error:
            raise RecommenderUnavailable("Amazon Personalize is late.") from error
        return _read(answer, query.limit * ITEMS_PER_SERIES, reason, query.seed_series)

    def _arguments(self, query: RecommenderQuery) -> tuple[dict[str, Any], ReasonCode]:
        """Of GetRecommendations, and the reason that its items carry. Raises when this cannot be asked for."""
        user = query.customer_id or query.session_id
        arguments: dict[str, Any] = {"numResults": max(1, min(query.limit * ITEMS_PER_SERIES, MOST_RESULTS))}
        reason: ReasonCode = "personal"
        if query.shelf == "popular" or not (user or query.seed_asin):
            arguments["campaignArn"], reason = self._need(self._popularity_campaign, "popularity"), "popular"
        elif query.seed_asin:
            arguments["campaignArn"], reason = self._need(self._similar_campaign, "similar items"), "similar"
            arguments["itemId"] = _id(query.seed_asin)
        else:
            arguments["campaignArn"] = self._campaign
        if user:
            arguments["userId"] = _id(user)
        if self._filter:
            arguments["filterArn"] = self._filter
        context = {
            key: value
            for key, value in query.context
            if re.fullmatch(CONTEXT_KEY, key) and 0 < len(value) <= LONGEST_CONTEXT_VALUE
        }
        if context:
            arguments["context"] = dict(list(context.items())[:MOST_CONTEXT])
        return arguments, reason

    @staticmethod
    def _need(arn: str, what: str) -> str:
        if not arn:
            raise RecommenderUnavailable(f"There is no {what} campaign.")
        return arn

    def _ask(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """One attempt; the breaker hears of its outcome whether anybody still waits for it or not."""
        try:
            answer: dict[str, Any] = self._client.get_recommendations(**arguments)
            # botocore makes an empty answer of a body that is no JSON (a proxy's error page with status 200).
            if "recommendationId" not in answer and "itemList" not in answer:
                raise ResponseParserError("neither items nor a recommendation id")
        except ClientError as error:
            self._breaker.failed()
            # ThrottlingException is in no service model: all there is to go by is the code.
            code = error.response.get("Error", {}).get("Code", "")
            log.warning("personalize_failed", code=code, throttled=code == "ThrottlingException")
            raise RecommenderUnavailable(f"Amazon Personalize: {code}") from error
        except (BotoCoreError, ResponseParserError) as error:
            self._breaker.failed()
            log.warning("personalize_failed", code=type(error).__name__, throttled=False)
            raise RecommenderUnavailable(f"Amazon Personalize: {error}") from error
        except BaseException:
            # A fault of our own must not leave a half-open breaker waiting for its probe.
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return answer


def _id(value: str) -> str:
    if len(value) > LONGEST_ID:
        raise RecommenderUnavailable(f"Amazon Personalize takes ids of at most {LONGEST_ID} characters.")
    return value


def _read(answer: dict[str, Any], most: int, reason: ReasonCode, seed: str) -> Ranked:
    """Padded items of the newer recipes have no score; an item without an id is nothing."""
    items = tuple(
        RankedItem(
            asin=item["itemId"],
            score=item.get("score"),
            engine="personalize",
            reason_code=reason,
            because=(seed,) if reason == "similar" and seed else (),
        )
        for item in (answer.get("itemList") or ())[:most]
        if item.get("itemId")
    )
    return Ranked(items=items, engine="personalize", recommendation_id=answer.get("recommendationId", ""))
