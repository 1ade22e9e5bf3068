from django.db import migrations, models

from mangaassist.indexing import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analytics", "0003_tallies"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="analyticsevent",
            index=models.Index(fields=["event", "-at"], name="analytics_event_newest"),
        ),
        # The index of the event alone is the beginning of that one.
        migrations.AlterField(
            model_name="analyticsevent",
            name="event",
            field=models.CharField(max_length=40),
        ),
    ]
