"""Sockets come and go; what was said stays, once and in order."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.protocol_server import ProtocolServer
from tests.browser.test_widget_conversation import ask, field, log, wait_until


def test_a_turn_survives_its_socket(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    server.cut(1012)
    server.release()
    expect(log(page)).to_contain_text("One two three.")
    expect(log(page).get_by_text("One two three.")).to_have_count(1)
    resume = server.of_type("hello")[1]["resume"]
    assert resume["after_seq"] == 3
    assert resume["turn_id"]
    assert resume["after_message_id"]
    expect(page.get_by_text("Reconnecting")).to_have_count(0)


def test_a_stop_that_did_not_get_through_is_sent_again(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    page.context.set_offline(True)
    server.cut(1012)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    page.get_by_role("button", name="Stop the answer").click()
    page.context.set_offline(False)
    expect(log(page)).to_contain_text("Stopped.")


def test_what_was_missed_is_announced_and_counted(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    page.get_by_role("button", name="Open the chat").click()
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    page.get_by_role("button", name="Close the chat").click()
    page.context.set_offline(True)
    server.cut(1012)
    server.push({"type": "message", "role": "agent", "content": "Are you there?"})
    page.context.set_offline(False)
    expect(page.get_by_role("button", name="Open the chat with MangaAssist, new messages: 1")).to_be_visible()


def test_a_lost_frame_is_asked_for(open_page: OpenPage, server: ProtocolServer) -> None:
    server.skip_seq = 2
    page = open_page(mode="page")
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    assert server.of_type("hello")[1]["resume"]["after_seq"] == 1


def test_a_reload_in_the_middle_of_a_turn_loses_nothing(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    page.reload()
    expect(log(page)).to_contain_text("One two")
    server.release()
    expect(log(page).get_by_text("One two three.")).to_have_count(1)
    expect(log(page).get_by_text("slow, please")).to_have_count(1)


def test_what_was_not_acknowledged_is_sent_again_and_stored_once(open_page: OpenPage, server: ProtocolServer) -> None:
    server.deaf = True
    page = open_page(mode="page")
    ask(page, "hello")
    wait_until(page, lambda: server.of_type("user_message"))
    server.deaf = False
    server.cut(1012)
    expect(log(page)).to_contain_text("You said: hello")
    first, second = server.of_type("user_message")
    assert first["client_msg_id"] == second["client_msg_id"]
    expect(log(page).get_by_text("hello", exact=True)).to_have_count(1)


def test_an_unacknowledged_message_survives_a_reload(open_page: OpenPage, server: ProtocolServer) -> None:
    server.deaf = True
    page = open_page(mode="page")
    ask(page, "hello")
    wait_until(page, lambda: server.of_type("user_message"))
    server.deaf = False
    page.reload()
    expect(log(page)).to_contain_text("You said: hello")
    expect(log(page).get_by_text("hello", exact=True)).to_have_count(1)


def test_a_message_of_another_tab_appears_once(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    (mine,) = server.of_type("user_message")
    echoed = {"role": "user", "content": "hello", "client_msg_id": mine["client_msg_id"]}
    server.push({"type": "message", **echoed})
    server.push({"type": "message", "role": "user", "content": "from my phone"})
    expect(log(page)).to_contain_text("from my phone")
    expect(log(page).get_by_text("hello", exact=True)).to_have_count(1)


def test_a_connection_that_died_silently_is_noticed(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    page.clock.install()
    page.get_by_role("button", name="Open the chat").click()
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    server.mute = True
    page.clock.run_for(26_000)
    wait_until(page, lambda: server.of_type("ping"))
    page.clock.run_for(12_000)
    wait_until(page, lambda: len(server.of_type("hello")) == 2)


def test_no_turn_is_waited_for_without_end(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    page.clock.install()
    page.get_by_role("button", name="Open the chat").click()
    ask(page, "patience")
    expect(page.get_by_text("MangaAssist is thinking...")).to_be_visible()
    given_up = log(page).get_by_text("No answer came. Please try again.")
    # In steps: the server answers pings in its own time, and a connection that seems silent is opened anew.
    for _ in range(100):
        page.clock.run_for(2_000)
        if given_up.count():
            break
        page.wait_for_timeout(20)
    expect(given_up).to_be_visible()
    expect(page.get_by_text("MangaAssist is thinking...")).to_have_count(0)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_an_expired_token_is_replaced_once(open_page: OpenPage, server: ProtocolServer) -> None:
    server.refusals = [4401]
    page = open_page(mode="page")
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    assert [frame["token"] for frame in server.of_type("hello")] == ["token-1", "token-2"]


def test_a_page_that_may_not_is_told_so_and_left_alone(open_page: OpenPage, server: ProtocolServer) -> None:
    server.refusals = [4403]
    page = open_page(mode="page")
    expect(page.get_by_text("The chat cannot be opened from this page.")).to_be_visible()
    expect(page.get_by_text("The plain form of the page.")).to_be_visible()
    page.wait_for_timeout(700)
    assert len(server.of_type("hello")) == 1


def test_offline_is_said_calmly_and_what_was_written_goes_out_later(
    open_page: OpenPage, server: ProtocolServer
) -> None:
    page = open_page(mode="page")
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    page.context.set_offline(True)
    server.cut(1012)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    ask(page, "later")
    page.context.set_offline(False)
    expect(log(page)).to_contain_text("You said: later")
    expect(page.get_by_text("You are offline.")).to_have_count(0)


def test_offline_is_said_although_the_socket_still_looks_open(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_have_count(0)
    assert len(server.of_type("hello")) == 1


def test_a_draft_and_an_open_panel_survive_the_next_page(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    page.get_by_role("button", name="Open the chat").click()
    field(page).fill("half a sen")
    page.get_by_role("link", name="A link").click()
    expect(field(page)).to_have_value("half a sen")
    expect(field(page)).not_to_be_focused()


def test_a_closed_chat_costs_the_page_nothing(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    expect(page.get_by_role("button", name="Open the chat")).to_be_visible()
    page.wait_for_timeout(200)
    assert server.token_requests == []


def test_the_page_can_speak_and_listen(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    page.evaluate(
        """() => {
            window.heard = [];
            for (const name of ["open", "close", "ready", "message"])
                addEventListener(`manga-assist:${name}`, (event) => heard.push([name, event.detail.content ?? ""]));
            const chat = document.querySelector("manga-assist");
            chat.context = { asin: "B01" };
            chat.ask("hello");
        }"""
    )
    expect(log(page)).to_contain_text("You said: hello")
    page.evaluate("document.querySelector('manga-assist').close()")
    heard = json.loads(page.evaluate("JSON.stringify(heard)"))
    assert heard == [["open", ""], ["ready", ""], ["message", "You said: hello"], ["close", ""]]
    assert server.token_requests[0]["context"]["asin"] == "B01"
