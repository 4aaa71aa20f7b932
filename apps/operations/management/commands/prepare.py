from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command

from apps.core.command import HouseCommand


class Command(HouseCommand):
    help = "Migrates every database that this process has the address of. Doing it again changes nothing."
    example = "manage.py prepare"

    def run(self, **options: Any) -> str:
        for alias in settings.DATABASES:
            call_command("migrate", database=alias, interactive=False, verbosity=0)
        return f"Ready: {', '.join(settings.DATABASES)}."
