from __future__ import annotations

from django.db import migrations

from apps.core.triggers import Guard, WriteOnce

IS_FROZEN = "(SELECT status FROM holdout_holdoutset WHERE id = {row}.holdout_id) IN ('frozen', 'retired')"
NEVER = "a frozen holdout never changes"
# Retiring moves the status and nothing else.
FIXED_WHEN_FROZEN = (
    "uuid",
    "project_uuid",
    "created_at",
    "commonness",
    "production_shares",
    "guide_version",
    "guide_hash",
    "delta",
    "alpha",
    "looks",
    "row_count",
    "content_hash",
    "frozen_at",
    "frozen_by_uuid",
)


class Migration(migrations.Migration):
    dependencies = [("holdout", "0001_initial")]

    operations = [
        # Neither out of a frozen set nor, from another one, into it.
        Guard(
            name="holdout_holdoutrecord_frozen_u",
            table="holdout_holdoutrecord",
            event="UPDATE",
            when=f"{IS_FROZEN.format(row='OLD')} OR {IS_FROZEN.format(row='NEW')}",
            message=NEVER,
        ),
        Guard(
            name="holdout_holdoutrecord_frozen_d",
            table="holdout_holdoutrecord",
            event="DELETE",
            when=IS_FROZEN.format(row="OLD"),
            message=NEVER,
        ),
        Guard(
            name="holdout_record_no_late_row",
            table="holdout_holdoutrecord",
            event="INSERT",
            when=IS_FROZEN.format(row="NEW"),
            message=NEVER,
        ),
        WriteOnce(
            name="holdout_set_retires_unchanged",
            table="holdout_holdoutset",
            columns=FIXED_WHEN_FROZEN,
            once="OLD.status IN ('frozen', 'retired')",
            message=NEVER,
        ),
        Guard(
            name="holdout_set_frozen_u",
            table="holdout_holdoutset",
            event="UPDATE",
            when="OLD.status = 'retired' OR (OLD.status = 'frozen' AND NEW.status <> 'retired')",
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
