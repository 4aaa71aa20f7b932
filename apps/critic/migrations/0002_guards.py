from __future__ import annotations

from django.db import migrations

from apps.core.triggers import append_only, write_once


class Migration(migrations.Migration):
    dependencies = [("critic", "0001_initial")]

    operations = [
        *append_only("critic_judgeversion"),
        *write_once(
            "critic_verdict",
            [
                "question_id",
                "version_id",
                "record_id",
                "payload_digest",
                "relevance",
                "correctness",
                "policy",
                "realism",
                "doubt",
                "is_doubt",
                "created_at",
            ],
        ),
    ]
