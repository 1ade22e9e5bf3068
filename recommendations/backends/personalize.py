"""Amazon Personalize: GetRecommendations of a user, a similar-items and a popularity campaign, and
GetPersonalizedRanking of what a search has found.

botocore does not check most limits of the service, and the service answers a breach with an error that costs a
whole attempt, so they are kept here. Items in Personalize are ASINs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from itertools import islice
from typing import Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from django.core.exceptions import ImproperlyConfigured

from mangaassist import aws
from mangaassist.breaker import BoundedExecutor, Breaker, BreakerOpen, ExecutorFull
from recommendations.backends.base import (
    NotOffered,
    Ranked,
    RankedItem,
    ReasonCode,
    Recommender,
    RecommenderQuery,
    RecommenderUnavailable,
)
from recommendations.requests import LOCALES
from shop.models import ages_up_to

log = structlog.get_logger(__name__)

# Limits of the service (personalize-runtime 2018-05-22).
LONGEST_ID = 256
MOST_RESULTS = 500
MOST_CONTEXT = 150
LONGEST_CONTEXT_VALUE = 1000
CONTEXT_KEY = r"[A-Za-z\d_]{1,150}"
ARN = r"arn:([a-z\d-]+):personalize:.*:.*:.+"
LONGEST_ARN = 256
# Parameters that the filter may have, as in: INCLUDE ItemID WHERE Items.LANGUAGE IN ($LANGUAGES).
FILTER_PARAMETERS = ("LANGUAGES", "AGE_RATINGS")
LONGEST_FILTER_VALUE = 1000

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
        ranking_campaign_arn: str = "",
        in_stock_filter_arn: str = "",
        filter_parameters: Sequence[str] = (),
        tracking_id: str = "",
        items_dataset_arn: str = "",
        users_dataset_arn: str = "",
        dataset_group_arn: str = "",
        deletion_location: str = "",
        deletion_role_arn: str = "",
        region: str = "",
        answer_within_s: float = 0.45,
    ) -> None:
        arns = (
            campaign_arn, similar_items_campaign_arn, popularity_campaign_arn, ranking_campaign_arn,
            in_stock_filter_arn,
        )  # fmt: skip
        for arn in arns:
            if arn and not (len(arn) <= LONGEST_ARN and re.fullmatch(ARN, arn)):
                raise ImproperlyConfigured(f"{arn!r} is not the ARN of an Amazon Personalize resource.")
        unknown = sorted(set(filter_parameters) - set(FILTER_PARAMETERS))
        if unknown:
            raise ImproperlyConfigured(
                f"{unknown[0]!r} is no filter parameter; there are {', '.join(FILTER_PARAMETERS)}."
            )
        if not campaign_arn:
            raise ImproperlyConfigured("Amazon Personalize needs a campaign ARN.")
        self._campaign = campaign_arn
        self._similar_campaign = similar_items_campaign_arn
        self._popularity_campaign = popularity_campaign_arn
        self._ranking_campaign = ranking_campaign_arn
        self._filter = in_stock_filter_arn
        self._filter_parameters = tuple(filter_parameters)
        # The other options are for what the service is told (recommendations.streaming, .datasets, .forgetting).
        self._answer_within_s = answer_within_s
        self._client = aws.client("personalize-runtime", "hot", region=region)
        self._executor = BoundedExecutor("personalize", threads=THREADS, queue=QUEUE)
        self._breaker = Breaker("personalize")
        self._version = (
            "personalize-" + hashlib.blake2b("\n".join((*arns, *filter_parameters)).encode(), digest_size=6).hexdigest()
        )

    @property
    def version(self) -> str:
        return self._version

    def recommend(self, query: RecommenderQuery) -> Ranked:
        """Items name ASINs; ``wish`` and ``exclude_series`` are left to the caller."""
        arguments, reason = self._arguments(query)
        answer = self._answer(self._client.get_recommendations, arguments, "itemList")
        return _read(answer, "itemList", query.limit * ITEMS_PER_SERIES, reason, query.seed_series)

    def order(self, query: RecommenderQuery, items: tuple[tuple[str, str], ...]) -> Ranked:
        """Items name ASINs."""
        user = query.customer_id or query.session_id
        if not user:
            raise NotOffered("There is nobody to order it for.")
        arguments: dict[str, Any] = {
            "campaignArn": self._need(self._ranking_campaign, "ranking"),
            "userId": _id(user),
            "inputList": [asin for _, asin in items if 0 < len(asin) <= LONGEST_ID][:MOST_RESULTS],
        }
        if context := _context(query):
            arguments["context"] = context
        answer = self._answer(self._client.get_personalized_ranking, arguments, "personalizedRanking")
        return _read(answer, "personalizedRanking", MOST_RESULTS, "personal", "")

    def _answer(
        self, method: Callable[..., dict[str, Any]], arguments: dict[str, Any], list_name: str
    ) -> dict[str, Any]:
        """Within the time limit. Raises :class:`RecommenderUnavailable`."""
        try:
            self._breaker.check()
            future = self._executor.submit(lambda: self._ask(method, arguments, list_name))
        except (BreakerOpen, ExecutorFull) as error:
            raise RecommenderUnavailable(f"Amazon Personalize is not asked now: {error!r}") from error
        try:
            return future.result(timeout=self._answer_within_s)
        except FutureTimeoutError as error:
            raise RecommenderUnavailable("Amazon Personalize is late.") from error

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
            if values := self._filter_values(query):
                arguments["filterValues"] = values
        if context := _context(query):
            arguments["context"] = context
        return arguments, reason

    def _filter_values(self, query: RecommenderQuery) -> dict[str, str]:
        """A filter with parameters needs a value for each, or the service refuses the call."""
        known: dict[str, Sequence[str]] = {
            "LANGUAGES": [query.language] if query.language else LOCALES,
            "AGE_RATINGS": ages_up_to(query.wish.max_age_rating),
        }
        return {name: quoted(known[name]) for name in self._filter_parameters}

    @staticmethod
    def _need(arn: str, what: str) -> str:
        if not arn:
            raise NotOffered(f"There is no {what} campaign.")
        return arn

    def _ask(self, method: Callable[..., dict[str, Any]], arguments: dict[str, Any], list_name: str) -> dict[str, Any]:
        """One attempt; the breaker hears of its outcome whether anybody still waits for it or not."""
        try:
            answer = method(**arguments)
            # botocore makes an empty answer of a body that is no JSON (a proxy's error page with status 200).
            if "recommendationId" not in answer and list_name not in answer:
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


def quoted(values: Sequence[str]) -> str:
    """As the service reads several values of a parameter: each in double quotes, with commas between them.

    A quote within a value cannot be written there, and would end it: it is left out.
    """
    text = ""
    for value in values:
        plain = re.sub(r"[\"\\\x00-\x1f]", "", value).strip()
        longer = f'{text},"{plain}"' if text else f'"{plain}"'
        if len(longer) > LONGEST_FILTER_VALUE:
            break
        text = longer
    return text


def _id(value: str) -> str:
    if len(value) > LONGEST_ID:
        raise RecommenderUnavailable(f"Amazon Personalize takes ids of at most {LONGEST_ID} characters.")
    return value


def _context(query: RecommenderQuery) -> dict[str, str]:
    """What the service takes of it."""
    fitting = (
        (key, value)
        for key, value in query.context
        if re.fullmatch(CONTEXT_KEY, key) and 0 < len(value) <= LONGEST_CONTEXT_VALUE
    )
    return dict(islice(fitting, MOST_CONTEXT))


def _read(answer: dict[str, Any], list_name: str, most: int, reason: ReasonCode, seed: str) -> Ranked:
    """Padded items of the newer recipes have no score; an item without an id is nothing."""
    items = tuple(
        RankedItem(
            asin=item["itemId"],
            score=item.get("score"),
            engine="personalize",
            reason_code=reason,
            because=(seed,) if reason == "similar" and seed else (),
        )
        for item in (answer.get(list_name) or ())[:most]
        if item.get("itemId")
    )
    return Ranked(items=items, engine="personalize", recommendation_id=answer.get("recommendationId", ""))
