from __future__ import annotations

from django.db import migrations

from apps.core.triggers import append_only, write_once

PROVENANCE = (
    "uuid",
    "project_id",
    "source_type",
    "use",
    "gap_id",
    "input",
    "output",
    "generator_provider",
    "generator_model",
    "generator_model_family",
    "prompt_version",
    "schema_version",
    "created_at",
    "run_uuid",
    "submission_uuid",
    "request_id",
    "import_uuid",
    "axes",
    "seed_uuids",
    "derived_from_id",
    "rights_note",
)


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]

    operations = [
        *write_once("records_record", PROVENANCE),
        *append_only("records_recordevent"),
    ]
