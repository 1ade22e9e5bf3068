from typing import Any

from django.db import migrations

GROUPS = ("agent", "lead")
# Lines of before people could answer here.
ROLES = {"user": "shopper", "system": "notice"}


def make_groups(apps: Any, schema_editor: Any) -> None:
    for name in GROUPS:
        apps.get_model("auth", "Group").objects.get_or_create(name=name)
    for before, now in ROLES.items():
        apps.get_model("escalation", "HandoffLine").objects.filter(role=before).update(role=now)


class Migration(migrations.Migration):
    dependencies = [
        ("escalation", "0002_people"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
