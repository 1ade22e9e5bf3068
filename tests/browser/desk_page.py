"""What shoppers and agents do on their pages, and who works at the desk."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from django.conf import settings

from tests.browser.accessibility import violations
from tests.mangaassist.running import Running

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PASSWORD = "at-the-desk-7"
STAFF = f"""
from django.contrib.auth.models import Group, User
from escalation.models import CannedReply
for name, group in (("aiko", "agent"), ("ben", "agent"), ("leo", "agent lead")):
    user = User.objects.create_user(name, password={PASSWORD!r}, first_name=name.title(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
CannedReply.objects.create(locale="en", shortcut="late", text="Sorry for the delay with order {{order}}. {{agent}}")
"""


def in_shell(shop: Running, code: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", code],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATA_DIR": str(shop.data_dir), "DEMO": "1"},
        check=True,
        capture_output=True,
    )


def empty_the_queue(shop: Running) -> None:
    """So that a test which failed half-way leaves no shopper to the next one."""
    with closing(sqlite3.connect(shop.data_dir / "mangaassist.sqlite3", timeout=30)) as database, database:
        database.execute(
            "UPDATE escalation_handoff SET status = 'closed', closed_at = opened_at WHERE status IN ('queued', 'agent')"
        )


def widget(page: Page) -> Locator:
    return page.locator("manga-assist")


def shopper_says(page: Page, text: str) -> None:
    box = widget(page).locator("textarea:visible").first
    box.fill(text)
    box.press("Enter")


def ask_for_a_person(page: Page) -> None:
    from playwright.sync_api import expect

    widget(page).get_by_role("button", name=re.compile("Talk to a person|スタッフに相談")).click()
    expect(widget(page).locator(".banner")).to_be_visible()


def said(page: Page, text: str) -> Locator:
    return page.locator("#log").get_by_text(text)


def take(page: Page) -> None:
    """The one who waits longest."""
    from playwright.sync_api import expect

    page.locator("#queue .row").first.click()
    page.get_by_role("button", name="Take", exact=True).click()
    # One may write before it is one's own; what is given back is.
    expect(page.get_by_role("button", name="Back to queue")).to_be_visible()
    expect(page.get_by_role("textbox", name="Your reply")).to_be_editable()


def close(page: Page) -> None:
    from playwright.sync_api import expect

    page.get_by_role("button", name="Close…").click()
    page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).click()
    expect(page.locator("#talk-state")).to_contain_text("Closed")


def faults(page: Page) -> list[str]:
    return violations(page) + small_targets(page)


def small_targets(page: Page) -> list[str]:
    """Links inside of text are exempt."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, textarea, select, input, label.check, .top-links a, .periods a")]
            .filter((node) => !node.closest("label.check") || node.matches("label"))
            .map((node) => [node, node.getBoundingClientRect()])
            .filter(([, box]) => box.width && Math.min(box.width, box.height) < 43.9)
            .map(([node, box]) => `${node.id} ${node.className} ${node.textContent} ${box.width}x${box.height}`)"""
    )
    return found
