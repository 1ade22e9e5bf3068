"""Every state in which a shopper may see the chat, one after another on one page."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Locator, Page, expect

from tests.browser.protocol_server import ProtocolServer

FINDS = {"en": "recommend", "ja": "おすすめ"}
REFUSED = {"en": "The chat cannot be opened from this page.", "ja": "このページではチャットをご利用いただけません。"}
HANDOFF = "3f0c0b8e-6f0c-4a51-8f83-0d3a6e6f0b11"


class Walk:
    """A page with a closed panel; iterating over it shows one state after another and says its name."""

    def __init__(self, page: Page, server: ProtocolServer, lang: str) -> None:
        self._page = page
        self._server = server
        self._lang = lang

    def __iter__(self) -> Iterator[str]:
        yield from self._opening()
        yield from self._turns()
        yield from self._opinions()
        yield from self._sending()
        yield from self._people()
        yield from self._away()

    def _part(self, selector: str) -> Locator:
        return self._page.locator(f"manga-assist {selector}")

    def _say(self, text: str, answered: str = "") -> None:
        self._part(".field textarea").fill(text)
        self._part(".field textarea").press("Enter")
        if answered:
            expect(self._part(".log")).to_contain_text(answered)

    def _opening(self) -> Iterator[str]:
        expect(self._part(".launcher")).to_be_visible()
        yield "closed"
        self._part(".launcher").click()
        expect(self._part(".chip").first).to_be_visible()
        yield "empty"
        self._part(".bar [aria-controls=menu]").click()
        yield "menu"
        self._part(".menu [aria-pressed]").click()
        self._part(".menu button").first.click()
        yield "leaving-asks-first"
        self._page.keyboard.press("Escape")

    def _turns(self) -> Iterator[str]:
        self._say("patience")
        expect(self._part(".typing")).not_to_be_empty()
        yield "thinking"
        self._server.release()
        expect(self._part(".log")).to_contain_text("Found it.")
        self._server.hold()
        self._say("slow, please", "One two")
        yield "streaming"
        self._part(".stop").click()
        expect(self._part(".entry-foot > span:not(.said)")).to_be_visible()
        yield "stopped"
        self._say(FINDS[self._lang])
        expect(self._part(".replies .chip").first).to_be_visible()
        yield "titles"
        self._part("button.cart:enabled").first.click()
        expect(self._part(".entry.system")).to_have_count(1)
        yield "in-the-cart"
        self._say("desk", "Here is what I found.")
        yield "order-series-promotion"
        self._part(".scroll").evaluate("(it) => it.scrollTo(0, 0)")
        expect(self._part(".jump")).to_be_visible()
        yield "reading-back"
        self._part(".jump").click()
        self._say("fail", "Something broke on our side.")
        yield "failed"

    def _opinions(self) -> Iterator[str]:
        self._say("hello", "You said: hello")
        self._part(".thumb").last.click()
        yield "reasons"
        self._part(".reasons label").first.click()
        self._part(".reasons [type=submit]").click()
        expect(self._part(".said").last).not_to_be_empty()
        yield "thanks"

    def _sending(self) -> Iterator[str]:
        self._part(".field textarea").fill("漫" * 4001)
        yield "too-long"
        self._server.deaf = True
        self._say("anybody?")
        expect(self._part(".user.sending")).to_be_visible()
        while len([frame for frame in self._server.of_type("user_message") if frame["text"] == "anybody?"]) == 0:
            self._page.wait_for_timeout(20)
        yield "sending"
        about = self._server.of_type("user_message")[-1]["client_msg_id"]
        self._server.push({"type": "error", "code": "rate", "message": "", "client_msg_id": about, "retryable": True})
        expect(self._part(".user.failed .retry")).to_be_visible()
        yield "not-sent"
        self._server.deaf = False
        self._part(".user.failed .retry").click()
        expect(self._part(".log")).to_contain_text("You said: anybody?")

    def _people(self) -> Iterator[str]:
        self._part(".person").click()
        expect(self._part(".banner")).to_be_visible()
        yield "queued"
        self._server.push({"type": "handoff_state", "state": "agent", "message": "Aiko is here.", "agent_name": "Aiko"})
        self._server.push({"type": "typing", "active": True, "name": "Aiko"})
        expect(self._part(".typing")).to_contain_text("Aiko")
        yield "agent-types"
        self._server.push({"type": "message", "role": "agent", "name": "Aiko", "content": "How can I help?"})
        expect(self._part(".log")).to_contain_text("How can I help?")
        yield "agent"
        over = {"type": "handoff_state", "state": "bot", "message": "The assistant is back.", "rate": True}
        self._server.push({**over, "handoff_id": HANDOFF})
        expect(self._part(".entry.rating")).to_be_visible()
        expect(self._part(".rating [type=submit]")).to_be_in_viewport(ratio=1)
        yield "rating-of-a-person"

    def _away(self) -> Iterator[str]:
        self._part(".bar button").last.click()
        self._server.push({"type": "message", "role": "agent", "name": "Aiko", "content": "One more thing."})
        expect(self._part(".launcher .count")).to_have_text("1")
        yield "unread"
        self._part(".launcher").click()
        self._page.context.set_offline(True)
        self._server.cut(1012)
        expect(self._part(".notice")).not_to_be_empty()
        yield "offline"
        self._server.refusals = [4403, 4403]
        self._page.context.set_offline(False)
        expect(self._part(".notice")).to_contain_text(REFUSED[self._lang], timeout=20_000)
        yield "refused"
