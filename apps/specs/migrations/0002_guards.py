from __future__ import annotations

from django.db import migrations

from apps.core.triggers import Guard, immutable_when, write_once

LABEL_IS_PUBLISHED = (
    "(SELECT status FROM specs_labelguide WHERE id = {row}.guide_id) = 'published'"
)
EXAMPLE_IS_PUBLISHED = (
    "(SELECT g.status FROM specs_labelguide g JOIN specs_label l ON l.guide_id = g.id WHERE l.id = {row}.label_id)"
    " = 'published'"
)
SLICE_IS_LOCKED = "the slice of a gap is locked when the gap is opened"
REMEDY = "published versions never change: make a new draft"


def nothing_late(table: str, condition: str) -> list[Guard]:
    """A published guide takes no further row: neither a new one nor one moved over from a draft."""
    return [
        Guard(name=f"{table}_late_{event[0].lower()}", table=table, event=event, when=condition, message=REMEDY)
        for event in ("INSERT", "UPDATE")
    ]


class Migration(migrations.Migration):
    dependencies = [("specs", "0001_initial")]

    operations = [
        *immutable_when("specs_spec", "OLD.status = 'published'", REMEDY),
        *immutable_when("specs_labelguide", "OLD.status = 'published'", REMEDY),
        *immutable_when("specs_label", LABEL_IS_PUBLISHED.format(row="OLD"), REMEDY),
        *immutable_when("specs_labelexample", EXAMPLE_IS_PUBLISHED.format(row="OLD"), REMEDY),
        *nothing_late("specs_label", LABEL_IS_PUBLISHED.format(row="NEW")),
        *nothing_late("specs_labelexample", EXAMPLE_IS_PUBLISHED.format(row="NEW")),
        Guard(
            name="specs_gap_slice_locked",
            table="specs_gap",
            event="UPDATE",
            when="OLD.slice_hash <> '' AND (OLD.slice_hash <> NEW.slice_hash"
            " OR OLD.slice_predicate <> NEW.slice_predicate)",
            message=SLICE_IS_LOCKED,
        ),
        # A registered slice that could be deleted could be dropped once its figures are known.
        Guard(
            name="specs_gap_slice_stays",
            table="specs_gap",
            event="DELETE",
            when="OLD.slice_hash <> ''",
            message=SLICE_IS_LOCKED,
        ),
        Guard(
            name="specs_holdoutseal_stays",
            table="specs_holdoutseal",
            event="DELETE",
            message="the seal of a holdout is never removed",
        ),
        *write_once(
            "specs_holdoutseal",
            (
                "project_id",
                "holdout_uuid",
                "content_hash",
                "row_count",
                "commonness",
                "label_counts",
                "guide_version",
                "guide_hash",
                "delta",
                "alpha",
                "looks",
                "sealed_at",
            ),
        ),
    ]
