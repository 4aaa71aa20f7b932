from __future__ import annotations

from django.db import migrations

from apps.core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_initial")]

    operations = [
        *append_only("evaluation_modelundertest"),
        *append_only("evaluation_look"),
        *append_only("evaluation_launchreview"),
    ]
