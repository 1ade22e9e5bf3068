"""A shop with a past, for who looks at the operator's room: weeks of figures, conversations of today, people of each
group. What can come in from outside comes in the way of a partner, so that it looks as it does in a running shop."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings

PASSWORD = "in-the-room-7"
# Sign-in name: (group, first name).
PEOPLE = {
    "olga": ("operator", "Olga"),
    "anna": ("analyst", "Anna"),
    "leo": ("agent lead", "Leo"),
    "ada": ("admin", "Ada"),
}
PAST = f"""
from django.contrib.auth.models import Group, User
from django.utils import timezone
from bench.overview import fill
for name, (group, first_name) in {PEOPLE!r}.items():
    user = User.objects.create_user(name, password={PASSWORD!r}, first_name=first_name, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
fill(TURNS, 45, timezone.now() - timezone.timedelta(hours=1))
"""
COUNTED = """
from mangaassist.analytics.rollup import roll_up
while not roll_up():
    pass
"""
# (language, what is asked, the opinion of the last answer: rating, reason and comment)
TALKS: tuple[tuple[str, tuple[str, ...], tuple[int, str, str] | None], ...] = (
    ("en", ("Do you ship gift cards to Iceland?",), (-1, "not_helpful", "I only wanted to know about gift cards.")),
    ("en", ("recommend something dark like Berserk", "is volume 2 of Vinland Saga in stock?"), (1, "", "")),
    ("ja", ("鬼滅の刃の１巻の在庫はありますか", "次の巻は？"), (1, "", "")),
    ("ja", ("抽選会はいつですか",), (-1, "wrong", "日付が知りたかったです。")),
    ("en", ("where is my order MA-1002?", "how do I return a damaged volume?"), (-1, "wrong", "")),
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


def furnish_past(data_dir: Path, turns: int) -> None:
    in_shell(data_dir, PAST.replace("TURNS", str(turns)) + COUNTED)


def furnish_today(data_dir: Path, port: int) -> str:
    """Talks of a running shop → the id of the conversation that a person was asked into."""
    secret = in_shell(data_dir, "from partners.models import *; print(create_api_key('Bookstore', list(SCOPES))[1])")
    partner = _Partner(port, secret.split()[-1])
    for language, questions, opinion in TALKS:
        talk = partner.post("conversations", {"locale": language})["conversation_id"]
        for question in questions:
            answer = partner.post(f"conversations/{talk}/messages", {"text": question})
        if opinion:
            rating, reason, comment = opinion
            told = {"message_id": answer["message_id"], "rating": rating, "reason": reason, "comment": comment}
            partner.post(f"conversations/{talk}/feedback", told)
    partner.post(f"conversations/{talk}/handoff", {"reason": "I would rather ask a person"})
    in_shell(data_dir, COUNTED)
    return str(talk)


class _Partner:
    def __init__(self, port: int, secret: str) -> None:
        self.port, self.secret = port, secret

    def post(self, path: str, body: dict[str, Any]) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        try:
            connection.request(
                "POST", f"/api/v1/{path}", json.dumps(body), headers | {"Idempotency-Key": str(uuid.uuid4())}
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        assert response.status < 300, (path, answer)
        return answer
