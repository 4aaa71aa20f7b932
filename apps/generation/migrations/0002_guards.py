from __future__ import annotations

from django.db import migrations

from apps.core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("generation", "0001_initial")]

    operations = [
        *append_only("generation_promptversion"),
    ]
