"""The demo shop's pages, as a visitor walks through them; every page under the strict CSP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils.translation import override
from django.views.defaults import server_error

from mangaassist.outbox.models import OutboxMessage
from recommendations.models import Interaction
from shop.models import Offer, Series
from tests.shop.catalogue import lay_small_catalogue


@pytest.fixture
def visitor(db: None) -> Client:
    lay_small_catalogue()
    return Client()


@pytest.fixture
def asking_visitor(transactional_db: None) -> Client:
    """One whose questions are answered in threads of their own."""
    lay_small_catalogue()
    return Client()


PAGES = [
    "/", "/search/?q=berserk", "/search/?q=", "/series/berserk/", "/products/BERSERK-EN-3/", "/cart/", "/sign-in/",
    "/help/", "/help/returns/", "/chat/", "/admin/login/", "/api/v1/docs",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_page_stands_under_the_strict_policy(visitor: Client, page: str) -> None:
    response = visitor.get(page)
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert ("require-trusted-types-for 'script'" in policy) == (not page.startswith(("/admin/", "/api/")))
    html = response.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)", html.replace("application/json", "")) or (
        page == "/api/v1/docs"
    )
    assert not re.search(r"<[^>]+\sstyle=", html)
    assert "<style" not in html


def test_a_click_on_a_recommendation_names_its_list(
    visitor: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME", "http://127.0.0.1:9")
    links = re.findall(r'href="(/products/[^"]+\?rec=[^"]+)"', visitor.get("/").content.decode())
    link = links[0]
    settings.RECOMMENDERS = {
        "default": {
            "BACKEND": "recommendations.backends.personalize.PersonalizeRecommender",
            "OPTIONS": {"tracking_id": "tracker", "campaign_arn": "arn:aws:personalize:us-east-1:1:campaign/x"},
        }
    }
    visitor.get(link)
    told = [row.payload for row in OutboxMessage.objects.filter(topic="recommendations.event")]
    assert {each["type"]: each["recommendation_id"] for each in told} == {
        "view": "",
        "click": link.partition("rec=")[2],
    }


def test_a_books_page_shows_what_is_like_it(visitor: Client) -> None:
    page = visitor.get("/products/BERSERK-EN-3/").content.decode()
    assert "Similar to Berserk" in page
    assert re.search(r'href="/products/(?!BERSERK)[^"]+\?rec=', page)


def test_a_rating_is_kept_shown_and_changed(visitor: Client) -> None:
    page = visitor.post("/products/BERSERK-EN-3/rate/", {"value": "2"}, follow=True).content.decode()
    assert "You gave 2 of 5" in page
    page = visitor.post("/products/BERSERK-EN-3/rate/", {"value": "4"}, follow=True).content.decode()
    assert re.search(r'value="4" aria-pressed="true"', page)
    assert page.count('class="star on"') == 4
    ratings = Interaction.objects.filter(type="rating").order_by("at").values_list("value", flat=True)
    assert list(ratings) == [2.0, 4.0]


@pytest.mark.parametrize("value", ["", "0", "6", "4.5", "five", "\x00", "1" * 50])
def test_what_is_no_rating_is_refused(visitor: Client, value: str) -> None:
    assert visitor.post("/products/BERSERK-EN-3/rate/", {"value": value}).status_code == 400
    assert visitor.post("/products/NO-SUCH/rate/", {"value": "4"}).status_code == 404
    assert not Interaction.objects.exists()


@pytest.mark.parametrize("nonsense", ["", "x" * 41, "a b", "<script>", "\x00"])
def test_a_list_that_cannot_be_is_no_click(visitor: Client, nonsense: str) -> None:
    assert visitor.get("/products/BERSERK-EN-1/", {"rec": nonsense}).status_code == 200
    assert [each.type for each in Interaction.objects.all()] == ["view"]


def test_the_price_on_a_page_is_the_offers_price_now(visitor: Client) -> None:
    Offer.objects.filter(pk="BERSERK-EN-3").update(price="77.01")
    assert "$77.01" in visitor.get("/products/BERSERK-EN-3/").content.decode()


def test_a_changed_price_is_said_when_the_book_goes_into_the_cart(visitor: Client) -> None:
    click = {"asin": "BERSERK-EN-3", "amount": "14.99", "currency": "USD", "next": "/products/BERSERK-EN-3/"}
    Offer.objects.filter(pk="BERSERK-EN-3").update(price="15.50")
    page = visitor.post("/cart/add/", click, follow=True).content.decode()
    assert "from $14.99 to $15.50" in page
    assert "$15.50" in visitor.get("/cart/").content.decode()


@pytest.mark.parametrize("asin", ["BERSERK-EN-4", "NOWHERE", ""])
def test_what_cannot_be_bought_is_refused(visitor: Client, asin: str) -> None:
    visitor.post("/cart/add/", {"asin": asin})
    assert "It is empty" in visitor.get("/cart/").content.decode()


def test_a_promotion_is_a_line_of_its_own(visitor: Client) -> None:
    visitor.post("/cart/add/", {"asin": "ONE-PIECE-EN-1"})
    page = visitor.get("/cart/").content.decode()
    assert "Pirate week" in page
    assert "−$2.20" in page
    assert "$8.79" in page


@pytest.mark.parametrize(("language", "title"), [("en", "Pirate week"), ("ja", "海賊ウィーク")])
@pytest.mark.parametrize("address", ["/", "/products/ONE-PIECE-EN-1/", "/cart/"])
def test_a_promotion_is_named_in_the_pages_language(visitor: Client, address: str, language: str, title: str) -> None:
    visitor.post("/cart/add/", {"asin": "ONE-PIECE-EN-1"})
    assert title in visitor.get(address, headers={"accept-language": language}).content.decode()


@pytest.mark.parametrize(
    ("language", "first", "second", "author"),
    [("en", "Berserk", "ベルセルク", "Kentaro Miura"), ("ja", "ベルセルク", "Berserk", "三浦建太郎")],
)
def test_a_series_is_called_as_the_reader_knows_it(
    visitor: Client, language: str, first: str, second: str, author: str
) -> None:
    page = visitor.get("/series/berserk/", headers={"accept-language": language}).content.decode()
    assert f"<h1>{first}</h1>" in page
    assert second in page
    assert f">{author}</a>" in page


@pytest.mark.parametrize("quantity", ["x", "", "-1", "999999"])
def test_an_odd_quantity_changes_nothing_for_the_worse(visitor: Client, quantity: str) -> None:
    visitor.post("/cart/add/", {"asin": "ONE-PIECE-EN-1"})
    response = visitor.post("/cart/set/", {"asin": "ONE-PIECE-EN-1", "quantity": quantity}, follow=True)
    assert response.status_code == 200


def test_a_guests_cart_comes_along_at_sign_in(visitor: Client) -> None:
    visitor.post("/cart/add/", {"asin": "ONE-PIECE-EN-1"})
    page = visitor.post("/sign-in/as/", {"customer_id": "demo-ben"}, follow=True).content.decode()
    assert "Ben" in page
    assert "One Piece, Vol. 1" in visitor.get("/cart/").content.decode()
    visitor.post("/sign-out/")
    assert "It is empty" in visitor.get("/cart/").content.decode()


def test_a_guests_views_come_along_at_sign_in_and_can_be_forgotten(visitor: Client) -> None:
    visitor.get("/")
    visitor.post("/cart/add/", {"asin": "ONE-PIECE-EN-1"})
    visitor.post("/sign-in/as/", {"customer_id": "demo-ben"})
    assert Interaction.objects.of_customer("demo-ben").exists()
    assert "Forget my reading history" in visitor.get("/account/").content.decode()
    assert visitor.get("/account/forget/").status_code == 405
    page = visitor.post("/account/forget/", follow=True).content.decode()
    assert "is forgotten" in page
    assert not Interaction.objects.of_customer("demo-ben").exists()


def test_nobody_signs_in_as_somebody_real(visitor: Client) -> None:
    assert visitor.post("/sign-in/as/", {"customer_id": "alice"}).status_code == 404


def test_an_order_page_is_for_the_signed_in(visitor: Client) -> None:
    assert visitor.get("/account/").headers["Location"] == "/sign-in/"


def test_the_cart_leads_back_to_our_own_pages_only(visitor: Client) -> None:
    click = {"asin": "ONE-PIECE-EN-1", "next": "https://evil.example/"}
    assert visitor.post("/cart/add/", click).headers["Location"] == "/cart/"


@pytest.mark.parametrize("page", ["/series/nowhere/", "/products/NOWHERE/", "/help/nowhere/"])
def test_an_unknown_page_is_not_found(visitor: Client, page: str) -> None:
    assert visitor.get(page).status_code == 404


def test_the_shop_speaks_japanese(visitor: Client) -> None:
    visitor.post("/i18n/setlang/", {"language": "ja", "next": "/"})
    assert "カート" in visitor.get("/").content.decode()


def test_an_operator_reads_a_conversation_with_its_trace(asking_visitor: Client) -> None:
    from chat.models import Conversation

    User.objects.create_superuser("operator", password="secret")
    asking_visitor.login(username="operator", password="secret")
    asking_visitor.post("/chat/plain/", {"text": "is Berserk volume 3 in stock?"})
    conversation = Conversation.objects.get()
    page = asking_visitor.get(f"/admin/chat/conversation/{conversation.pk}/change/").content.decode()
    assert "Berserk, Vol. 3 is in stock, at $14.99." in page
    trace = asking_visitor.get(f"/admin/chat/turn/{conversation.turns.get().pk}/trace/").content.decode()
    assert "BERSERK-EN-3" in trace
    assert "$14.99" in trace


@pytest.mark.parametrize(
    "name",
    [
        "chat/conversation", "chat/turn", "chat/feedback", "shop/series", "shop/edition", "shop/offer",
        "shop/promotion", "shop/order", "shop/cart", "knowledge/article", "escalation/handoff", "outbox/outboxmessage",
        "escalation/agentpresence", "escalation/cannedreply", "escalation/officehours", "escalation/escalationrule",
        "caching/cachepolicy", "partners/apikey", "analytics/analyticsevent", "recommendations/interaction",
    ],
)  # fmt: skip
def test_every_admin_list_opens(visitor: Client, name: str) -> None:
    User.objects.create_superuser("operator", password="secret")
    visitor.login(username="operator", password="secret")
    assert visitor.get(f"/admin/{name}/").status_code == 200


def test_the_form_without_scripts_answers_and_keeps_to_its_visitor(asking_visitor: Client) -> None:
    asking_visitor.post("/chat/plain/", {"text": "who wrote Vinland Saga?"})
    assert "Makoto Yukimura" in asking_visitor.get("/chat/").content.decode()
    assert "Makoto Yukimura" not in Client().get("/chat/").content.decode()
    assert asking_visitor.post("/chat/plain/", {"text": " "}).status_code == 302
    assert asking_visitor.post("/chat/plain/", {}).status_code == 302


def test_the_widgets_token_is_for_our_pages_and_allowed_shops(visitor: Client, settings: Any) -> None:
    settings.WIDGET_ALLOWED_ORIGINS = ["https://shop.example"]
    assert visitor.post("/widget/v1/token", "{}", content_type="application/json").status_code == 200
    allowed = visitor.post(
        "/widget/v1/token", "{}", content_type="application/json", headers={"origin": "https://shop.example"}
    )
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    foreign = visitor.post(
        "/widget/v1/token", "{}", content_type="application/json", headers={"origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert "Access-Control-Allow-Origin" not in foreign.headers
    for bad in ("{", "[]", '{"context": 7}', '{"context": {"asin": 1}}', '{"previous": 1}', '{"identity": "x"}'):
        assert visitor.post("/widget/v1/token", bad, content_type="application/json").status_code == 400, bad


def test_headings_of_the_help_speak_the_pages_language(visitor: Client) -> None:
    from knowledge.models import Article

    Article.objects.create(
        slug="stamps", locale="ja", category="stamp_cards", question="スタンプは？", body="あります。"
    )
    html = visitor.get("/help/", headers={"accept-language": "ja"}).content.decode()
    assert "<h2>返品・交換</h2>" in html
    assert "<h2>Stamp cards</h2>" in html, "a category of the shop's own stays as it is written"
    assert "<h2>Returns</h2>" in visitor.get("/help/", headers={"accept-language": "en"}).content.decode()


@pytest.mark.parametrize("page", ["/", "/search/?q=berserk", "/products/BERSERK-EN-3/", "/series/berserk/"])
def test_a_japanese_page_writes_authors_in_japanese(visitor: Client, page: str) -> None:
    Series.objects.filter(pk="berserk").update(native_authors=["三浦建太郎"])
    in_japanese = visitor.get(page, headers={"accept-language": "ja"}).content.decode()
    assert "三浦建太郎" in in_japanese
    assert "Kentaro Miura" not in in_japanese
    in_english = visitor.get(page, headers={"accept-language": "en"}).content.decode()
    assert "Kentaro Miura" in in_english
    assert "三浦建太郎" not in in_english


def test_a_series_has_its_cover_in_the_pages_language(visitor: Client) -> None:
    page = visitor.get("/series/berserk/", headers={"accept-language": "ja"}).content.decode()
    cover = re.search(r'src="(/covers/[^"]*berserk[^"]*)"', page)
    assert cover, page
    assert cover[1].endswith("?language=ja")
    japanese, english, other = (
        visitor.get(cover[1].split("?")[0] + query).content for query in ("?language=ja", "", "?language=xx")
    )
    assert japanese != english
    assert other == english


@pytest.mark.parametrize(("locale", "words"), [("en", "There is no such page"), ("ja", "ページが見つかりません")])
def test_what_does_not_exist_is_said_on_a_page_of_ours(visitor: Client, locale: str, words: str) -> None:
    for address in ("/series/nosuch/", "/products/NOSUCH/", "/help/nosuch/", "/nosuch/"):
        answer = visitor.get(address, headers={"accept-language": locale})
        assert answer.status_code == 404
        html = answer.content.decode()
        assert f'<html lang="{locale}">' in html
        assert f"<h1>{words}</h1>" in html
        assert 'name="viewport"' in html
        assert '<a href="/">' in html
        assert "style=" not in html


def test_a_form_of_yesterday_is_refused_in_plain_words(db: None) -> None:
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post("/cart/add/", {"asin": "X"}, headers={"accept-language": "ja"})
    assert answer.status_code == 403
    assert "<h1>ページの有効期限が切れました</h1>" in answer.content.decode()


def test_a_fault_of_ours_has_a_page_that_needs_nothing(rf: RequestFactory) -> None:
    with override("ja"):
        answer = server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "こちらの側で問題が起きました" in answer.content.decode()
