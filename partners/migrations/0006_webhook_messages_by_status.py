from django.db import migrations, models

from mangaassist.indexing import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("partners", "0005_webhooks"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="webhookmessage",
            index=models.Index(fields=["status", "-created_at"], name="webhook_message_by_status"),
        ),
    ]
