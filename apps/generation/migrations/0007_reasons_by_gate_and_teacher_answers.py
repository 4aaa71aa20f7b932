from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F, OuterRef, Subquery


def one_reason_was_for_both(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    runs = apps.get_model("generation", "Run").objects.using(schema_editor.connection.alias)
    runs.exclude(pilot_reason="").update(teacher_reason=F("pilot_reason"), teacher_reason_by=F("pilot_reason_by"))


def checks_were_of_todays_models(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    models_now = apps.get_model("submissions", "Connection").objects.using(alias)
    apps.get_model("generation", "TeacherCheck").objects.using(alias).update(
        model=Subquery(models_now.filter(pk=OuterRef("connection")).values("model"))
    )


def hard_cases_were_sentences(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for proposal in apps.get_model("generation", "EdgeCaseProposal").objects.using(schema_editor.connection.alias):
        proposal.hard_cases = [{"description": case, "why_hard": ""} for case in proposal.hard_cases]
        proposal.taken_axes = proposal.axes if proposal.status == "approved" else {}
        proposal.save(update_fields=["hard_cases", "taken_axes"])


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0006_roles_gates_and_trials"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="run", name="run_gate_reason_is_somebodys"),
        migrations.RenameField(model_name="run", old_name="gate_reason", new_name="pilot_reason"),
        migrations.RenameField(model_name="run", old_name="gate_reason_by", new_name="pilot_reason_by"),
        migrations.AlterField(
            model_name="run",
            name="pilot_reason",
            field=models.TextField(blank=True, help_text="Why it may start although its pilot has not passed."),
        ),
        migrations.AddField(
            model_name="run",
            name="teacher_reason",
            field=models.TextField(
                blank=True, help_text="Why it may start although the model has not passed its teacher check."
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="teacher_reason_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="teachercheck",
            name="model",
            field=models.CharField(
                default="", help_text="The connection's model on that day.", max_length=120
            ),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="TeacherAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("record_uuid", models.UUIDField(help_text="The seed row that was asked.")),
                ("is_right", models.BooleanField()),
                (
                    "check_asked",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="generation.teachercheck",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("check_asked", "record_uuid"), name="teacher_answer_once")
                ],
            },
        ),
        migrations.AlterField(
            model_name="edgecaseproposal",
            name="hard_cases",
            field=models.JSONField(help_text='[{"description": "…", "why_hard": "…"}, …]'),
        ),
        migrations.AddField(
            model_name="edgecaseproposal",
            name="taken_axes",
            field=models.JSONField(blank=True, default=dict, help_text="What of the axes a lead has taken."),
        ),
        migrations.RunPython(one_reason_was_for_both, migrations.RunPython.noop),
        migrations.RunPython(checks_were_of_todays_models, migrations.RunPython.noop),
        migrations.RunPython(hard_cases_were_sentences, migrations.RunPython.noop),
    ]
