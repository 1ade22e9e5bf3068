from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("outbox", "0004_shards_of_a_stream"),
    ]

    operations = [
        migrations.AddField(
            model_name="outboxmessage",
            name="correlation",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="traceparent",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=64),
        ),
    ]
