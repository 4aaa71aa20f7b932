from __future__ import annotations

from django.db import migrations, models

import apps.specs.models


class Migration(migrations.Migration):
    dependencies = [("specs", "0004_cases_pauses_and_review_rules")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="note_required",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text='Decisions that need a note: any of ["accepted", "edited", "rejected"].',
                validators=[apps.specs.models.check_noted_actions],
            ),
        ),
    ]
