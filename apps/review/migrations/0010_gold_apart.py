"""Answers to gold items are counted apart, and only once they are given: a total that grew with each told them."""

from django.db import migrations, models
from django.db.models import Count, Q


def move_counts(apps, schema_editor):
    task, delta = apps.get_model("review", "ReviewTask"), apps.get_model("review", "LotDelta")
    undone = Q(decision__undo__isnull=False)
    gold = task.objects.filter(kind="gold").order_by().values("lot")
    counted = gold.annotate(
        handed=Count("pk", filter=~undone), answered=Count("decision", filter=Q(decision__undo=None))
    )
    delta.objects.bulk_create(
        delta(
            lot_id=row["lot"],
            extra_opened=-row["handed"],
            extra_decided=-row["answered"],
            gold_decided=row["answered"],
        )
        for row in counted
    )


class Migration(migrations.Migration):
    dependencies = [("review", "0009_proofs")]

    operations = [
        migrations.AddField(
            model_name="lot",
            name="gold_decided",
            field=models.IntegerField(
                default=0, help_text="Answers to gold items handed out as if of this lot."
            ),
        ),
        migrations.AddField(
            model_name="lotdelta",
            name="gold_decided",
            field=models.IntegerField(default=0),
        ),
        migrations.RunPython(move_counts, migrations.RunPython.noop),
    ]
