from typing import Any

from django.db import migrations

from mangaassist.groups import make_groups


def rename_leads(apps: Any, schema_editor: Any) -> None:
    """Their members stay theirs."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    if not groups.filter(name="agent lead").exists():
        groups.filter(name="lead").update(name="agent lead")


def make(apps: Any, schema_editor: Any) -> None:
    make_groups(apps, using=schema_editor.connection.alias, filled=["agent lead"])


class Migration(migrations.Migration):
    dependencies = [
        ("escalation", "0005_contact"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunPython(rename_leads, migrations.RunPython.noop),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
