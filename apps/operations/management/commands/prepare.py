from __future__ import annotations

from typing import Any

from django.conf import settings

from apps.core.command import HouseCommand
from apps.operations.migrating import migrate_database, revoke_changes


class Command(HouseCommand):
    help = (
        "Migrates every database that this process has the address of, and on PostgreSQL revokes the right to change "
        "what is append-only. Doing it again changes nothing."
    )
    example = "manage.py prepare"

    def run(self, **options: Any) -> str:
        for alias in settings.DATABASES:
            migrate_database(alias)
            revoke_changes(alias)
        return f"Ready: {', '.join(settings.DATABASES)}."
