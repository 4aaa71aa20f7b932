from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def add_rules_connection(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The offline generator needs no key, so every installation has it from the start."""
    family, _ = apps.get_model("submissions", "ModelFamily").objects.get_or_create(name="rules")
    apps.get_model("submissions", "Connection").objects.get_or_create(
        name="Rules (offline)", defaults={"provider": "rules", "model": "rules-1", "family": family}
    )


class Migration(migrations.Migration):
    dependencies = [("submissions", "0002_ending_stopping_and_resending")]

    operations = [migrations.RunPython(add_rules_connection, migrations.RunPython.noop)]
