from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0003_streamend_shardlease_streamrecord")]

    operations = [
        migrations.RemoveConstraint(model_name="shardlease", name="shard_once"),
        migrations.AddField(
            model_name="shardlease",
            name="stream",
            field=models.CharField(max_length=300, default=""),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="shardlease",
            constraint=models.UniqueConstraint(fields=["topic", "stream", "shard"], name="shard_once"),
        ),
    ]
