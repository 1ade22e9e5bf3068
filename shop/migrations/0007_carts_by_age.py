from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0006_promotion_titles"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="cart",
            index=models.Index(fields=["updated_at"], name="cart_by_age"),
        ),
    ]
