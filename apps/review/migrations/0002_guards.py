from __future__ import annotations

from django.db import migrations

from apps.core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("review", "0001_initial")]

    operations = [
        *append_only("review_decision"),
        *append_only("review_undo"),
    ]
