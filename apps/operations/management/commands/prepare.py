from __future__ import annotations

from typing import Any

from django.conf import settings

from apps.core.command import HouseCommand
from apps.operations.migrating import migrate_database


class Command(HouseCommand):
    help = "Migrates every database that this process has the address of. Doing it again changes nothing."
    example = "manage.py prepare"

    def run(self, **options: Any) -> str:
        for alias in settings.DATABASES:
            migrate_database(alias)
        return f"Ready: {', '.join(settings.DATABASES)}."
