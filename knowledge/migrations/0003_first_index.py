"""A shop that has articles already asks for its first index; the worker builds it."""

from typing import Any

from django.db import migrations

MOST_REQUESTS = 500


def ask_for_index(apps: Any, schema_editor: Any) -> None:
    bodies = [
        {"article": f"{slug}/{locale}", "action": "upsert", "schema": 1}
        for slug, locale in apps.get_model("knowledge", "Article").objects.values_list("slug", "locale")
    ]
    outbox = apps.get_model("outbox", "OutboxMessage")
    for start in range(0, len(bodies), MOST_REQUESTS):
        outbox.objects.create(topic="reindex", payload={"requests": bodies[start : start + MOST_REQUESTS]})


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0002_document_indexpointer_indexversion_passage"),
        ("outbox", "0003_streamend_shardlease_streamrecord"),
    ]

    operations = [migrations.RunPython(ask_for_index, migrations.RunPython.noop)]
