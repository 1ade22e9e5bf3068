from django.db import migrations, models

from mangaassist.indexing import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("outbox", "0005_where_a_row_comes_from"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="outboxmessage",
            index=models.Index(fields=["-created_at"], name="outbox_newest"),
        ),
        AddIndexConcurrently(
            model_name="queuedmessage",
            index=models.Index(condition=models.Q(("dead", True)), fields=["-id"], name="queued_dead"),
        ),
    ]
