from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """By itself: PostgreSQL changes no table in the transaction that has changed its rows."""

    dependencies = [("generation", "0007_reasons_by_gate_and_teacher_answers")]

    operations = [
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=Q(teacher_reason="") | Q(teacher_reason_by__isnull=False),
                name="run_teacher_reason_is_somebodys",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=Q(pilot_reason="") | Q(pilot_reason_by__isnull=False),
                name="run_pilot_reason_is_somebodys",
            ),
        ),
    ]
