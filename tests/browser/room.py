"""A shop with a past, for who looks at the operator's room: weeks of figures, conversations of today, a person of each
group. What comes in from outside comes in the way of a partner, so that it looks as it does in a running shop.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext

PASSWORD = "in-the-room-7"
# Sign-in name: (group, first name).
PEOPLE = {"olga": ("operator", "Olga"), "ada": ("admin", "Ada")}
PAST = f"""
from django.contrib.auth.models import Group, User
from django.utils import timezone
from bench.overview import fill
from django.db import transaction
with transaction.atomic():
    for name, (group, first_name) in {PEOPLE!r}.items():
        user = User.objects.create_user(name, password={PASSWORD!r}, first_name=first_name, is_staff=True)
        user.groups.add(Group.objects.get(name=group))
    fill(TURNS, 45, timezone.now() - timezone.timedelta(hours=1))
from partners.models import SCOPES, create_api_key
print(create_api_key("Bookstore", list(SCOPES))[1])
"""
COUNTED = """
from mangaassist.analytics.rollup import roll_up
while not roll_up():
    pass
"""
# (language, what is asked, the opinion of the last answer: rating, reason and comment)
TALKS: tuple[tuple[str, tuple[str, ...], tuple[int, str, str] | None], ...] = (
    ("en", ("Do you ship gift cards to Iceland?",), (-1, "not_what_i_wanted", "I only wanted to know about cards.")),
    ("en", ("recommend something dark like Berserk", "is volume 2 of Vinland Saga in stock?"), (1, "", "")),
    ("ja", ("鬼滅の刃の１巻の在庫はありますか", "次の巻は？"), (1, "", "")),
    ("ja", ("抽選会はいつですか",), (-1, "other", "日付が知りたかったです。")),
    ("en", ("who wrote Monster?", "something cheaper, under 10 dollars", "which of them is best?"), None),
)


def in_shell(data_dir: Path, code: str) -> str:
    """What the code prints."""
    return subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", code],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATA_DIR": str(data_dir), "DEMO": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def furnish_room(data_dir: Path, address: str, turns: int) -> str:
    """A running shop's past and its talks of today → the id of the conversation that a person was asked into."""
    secret = in_shell(data_dir, PAST.replace("TURNS", str(turns))).split()[-1]
    with httpx.Client(
        base_url=f"{address}/api/v1/", headers={"Authorization": f"Bearer {secret}"}, timeout=60
    ) as partner:

        def post(path: str, body: dict[str, Any]) -> Any:
            answer = partner.post(path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
            assert answer.status_code < 300, (path, answer.text)
            return answer.json()

        for language, questions, opinion in TALKS:
            talk = post("conversations", {"locale": language})["conversation_id"]
            for question in questions:
                answer = post(f"conversations/{talk}/messages", {"text": question})
            if opinion:
                rating, reason, comment = opinion
                told = {"message_id": answer["message_id"], "rating": rating, "reason": reason, "comment": comment}
                post(f"conversations/{talk}/feedback", told)
        post(f"conversations/{talk}/handoff", {"reason": "I would rather ask a person"})
    in_shell(data_dir, COUNTED)
    return str(talk)


@contextmanager
def signed_in(chromium: Browser, address: str, name: str, **options: Any) -> Iterator[BrowserContext]:
    """A browser of one of :data:`PEOPLE`."""
    context = chromium.new_context(base_url=address, reduced_motion="reduce", **options)
    try:
        page = context.new_page()
        page.goto("/admin/login/")
        page.fill("[name=username]", name)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/admin/overview/")
        page.close()
        yield context
    finally:
        context.close()
