from __future__ import annotations

from django.db import migrations

from apps.core.triggers import Guard, immutable_when

IS_FROZEN = "(SELECT status FROM holdout_holdoutset WHERE id = {row}.holdout_id) IN ('frozen', 'retired')"
NEVER = "a frozen holdout never changes"


class Migration(migrations.Migration):
    dependencies = [("holdout", "0001_initial")]

    operations = [
        *immutable_when("holdout_holdoutrecord", IS_FROZEN.format(row="OLD"), NEVER),
        Guard(
            name="holdout_record_no_late_row",
            table="holdout_holdoutrecord",
            event="INSERT",
            when=IS_FROZEN.format(row="NEW"),
            message=NEVER,
        ),
        Guard(
            name="holdout_set_frozen_u",
            table="holdout_holdoutset",
            event="UPDATE",
            when="OLD.status IN ('frozen', 'retired') AND NEW.status <> 'retired'",
            message=NEVER,
        ),
        Guard(
            name="holdout_set_frozen_d",
            table="holdout_holdoutset",
            event="DELETE",
            when="OLD.status IN ('frozen', 'retired')",
            message=NEVER,
        ),
    ]
