"""A key keeps its tenant when its secret is rotated: secrets get rows of their own."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models



def keep_secrets(apps: Any, schema_editor: Any) -> None:
    """The prefix named the tenant until now, and existing conversations carry it."""
    secrets = apps.get_model("partners", "KeySecret")
    for key in apps.get_model("partners", "ApiKey").objects.all():
        key.tenant = key.prefix
        key.save()
        secrets.objects.create(key=key, prefix=key.prefix, digest=key.digest, created_at=key.created_at)


def put_secrets_back(apps: Any, schema_editor: Any) -> None:
    """Only the oldest secret of each key, whose prefix its tenant mostly is, has a place there."""
    for key in apps.get_model("partners", "ApiKey").objects.all():
        secret = key.secrets.order_by("created_at").first()
        key.prefix = secret.prefix if secret else key.tenant[:12]
        key.digest = secret.digest if secret else key.tenant
        key.save()


class Migration(migrations.Migration):
    dependencies = [("partners", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="KeySecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("prefix", models.CharField(editable=False, max_length=12, unique=True)),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("usable_until", models.DateTimeField(blank=True, null=True)),
                ("key", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="partners.apikey")),
            ],
            options={"ordering": ["-created_at"]},
        ),
        migrations.AddField("apikey", "tenant", models.CharField(editable=False, max_length=64, null=True, unique=True)),
        # Null while secrets move, also on the way back.
        migrations.AlterField("apikey", "prefix", models.CharField(editable=False, max_length=12, null=True, unique=True)),
        migrations.AlterField("apikey", "digest", models.CharField(editable=False, max_length=64, null=True, unique=True)),
        migrations.RunPython(keep_secrets, put_secrets_back),
        migrations.AlterField("apikey", "tenant", models.CharField(editable=False, max_length=64, unique=True)),
        migrations.RemoveField("apikey", "prefix"),
        migrations.RemoveField("apikey", "digest"),
    ]
