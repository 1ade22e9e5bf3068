"""Who works in the operator's room."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.test import Client


def member(group: str) -> Client:
    """A colleague of that group, signed in; of ``""`` staff without any."""
    user = User.objects.create(username=f"a-{group or 'newcomer'}", is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client
