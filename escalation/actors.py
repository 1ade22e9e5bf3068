"""Who does something to a handoff, and whether they may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

# Django groups (made by a migration). Superusers are leads.
AGENTS = "agent"
LEADS = "agent lead"


class NotAnAgent(Exception):
    """This user answers nobody: neither in the group ``agent`` nor in ``agent lead``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """``name`` stands in the audit trail; ``shown`` is what a shopper reads. ``user_id``: None for no user of ours."""

    name: str
    shown: str
    role: Literal["shopper", "agent", "lead", "system"]
    user_id: int | None = None

    @property
    def is_lead(self) -> bool:
        return self.role in {"lead", "system"}


SHOPPER = Actor(name="shopper", shown="", role="shopper")
# Rules and clocks of our own.
SYSTEM = Actor(name="system", shown="", role="system")


def actor_of(user: Any) -> Actor:
    """``user``: of the request, signed in or not. Raises :class:`NotAnAgent`."""
    if not (user.is_active and user.is_staff):
        raise NotAnAgent("Only active staff answer shoppers.")
    groups = set(user.groups.values_list("name", flat=True))
    lead = user.is_superuser or LEADS in groups
    if not lead and AGENTS not in groups:
        raise NotAnAgent("Only members of the groups agent and agent lead answer shoppers.")
    name: str = user.get_username()
    return Actor(name=name, shown=user.first_name or name, role="lead" if lead else "agent", user_id=user.pk)


def contact_centre(agent_name: str) -> Actor:
    """A person who answers elsewhere and is no user here."""
    return Actor(name=f"contact centre: {agent_name}"[:150], shown=agent_name, role="system")
