"""Whatever Redis does: a shopper is answered, with the price of the moment, and afterwards everything is as before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import httpx
import pytest

from mangaassist.embedded import redis_socket
from tests.journeys.hostile_redis import MOODS, HostileRedis, Mood, hostile_redis
from tests.journeys.web_processes import Frame, Shop, Tab, Web, assert_whole, shop, tab, token_of
from tests.mangaassist.running import until

pytestmark = pytest.mark.process

NO_CATALOGUE = "I can't open the catalogue right now. Please try again in a moment."
QUESTION = "how much is Berserk volume 1?"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileRedis]:
    with hostile_redis(redis_socket(tmp_path_factory.getbasetemp() / "hostile")) as between:
        yield between


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, proxy: HostileRedis) -> Iterator[Shop]:
    with shop(tmp_path_factory.getbasetemp() / "hostile", 2, REDIS_URL=proxy.url) as both:
        yield both


def set_price(running: Shop, price: str) -> None:
    """By a hand that tells nobody: no cache hears of it."""
    database = sqlite3.connect(running.data_dir / "mangaassist.sqlite3", timeout=20)
    with database:
        database.execute("UPDATE shop_offer SET price = ? WHERE edition_id = 'BERSERK-EN-1'", [price])
    database.close()


def ask(here: Tab) -> Frame:
    accepted = here.ask(QUESTION)
    while "response" not in {frame["type"] for frame in here.frames.get(accepted["turn_id"], [])}:
        here.receive()
    frames = here.frames[accepted["turn_id"]]
    assert_whole(frames)
    return frames[-1]


def assert_told(answer: Frame, price: str, *, may_lack: bool = False) -> None:
    """``may_lack``: the catalogue could not be read within its limit, and the answer says so."""
    assert answer["status"] == "complete", answer
    if may_lack and answer["content"] == NO_CATALOGUE:
        assert answer["cards"] == []
        return
    assert price in answer["content"], answer
    assert answer["cards"][0]["data"]["price"]["amount"] == price


@pytest.mark.parametrize("mood", MOODS)
def test_the_shopper_is_answered_with_the_price_of_the_moment(running: Shop, proxy: HostileRedis, mood: Mood) -> None:
    one, two = running.webs
    before, during = f"1{MOODS.index(mood)}.25", f"2{MOODS.index(mood)}.75"
    # Several slow calls take longer than product data may.
    may_lack = mood == "slow"
    set_price(running, before)
    with tab(one, token_of(one)) as here:
        token = here.next("token")["token"]
        assert_told(ask(here), before)
        proxy.be(mood)
        try:
            set_price(running, during)
            answer = ask(here)
            assert_told(answer, during, may_lack=may_lack)
            # Who comes only now is served as well, and who comes back to another process reads what was said.
            with tab(two, token_of(two)) as another:
                assert_told(ask(another), during, may_lack=may_lack)
            with tab(two, token) as there:
                said = [message["content"] for message in there.ready["messages"] if message["role"] == "assistant"]
                assert before in said[0]
                assert said[1] == answer["content"]
        finally:
            proxy.be(None)
        until(lambda: all(_redis_is_well(web) for web in running.webs), "Redis is used again by itself")
        assert_told(ask(here), during)


def _redis_is_well(web: Web) -> bool:
    parts = httpx.get(f"http://127.0.0.1:{web.port}/readyz", timeout=10).json()["parts"]
    return bool(parts["redis"]["ok"])
