from __future__ import annotations

from django.db import migrations

from apps.core.triggers import append_only, immutable_when


class Migration(migrations.Migration):
    dependencies = [("datasets", "0001_initial")]

    operations = [
        *append_only("datasets_releaseitem"),
        *immutable_when(
            "datasets_release", "OLD.status = 'ready'", "a ready release never changes"
        ),
    ]
