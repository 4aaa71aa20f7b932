from __future__ import annotations

from django.db import migrations, models

from apps.core.triggers import AfterRemake, append_only


class Migration(migrations.Migration):
    dependencies = [("review", "0004_overlap_and_gold")]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="seal",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="Over everything else it says; empty in decisions from before there were seals.",
                max_length=64,
            ),
            preserve_default=False,
        ),
        *[AfterRemake(guard) for guard in append_only("review_decision")],
    ]
