from __future__ import annotations

from typing import Any

from apps.core.command import HouseCommand
from apps.sandbox.probing import active, findings, what_it_limits


class Command(HouseCommand):
    help = "Says which sandbox for untrusted code works here and what it limits. Exits with 1 if none does."
    example = "manage.py sandbox_probe"

    def run(self, **options: Any) -> str:
        mechanism = active()
        for finding in findings():
            self.stdout.write(f"{finding.mechanism.name}: {finding.trouble or 'held the probe'}")
        for thing, how in what_it_limits(mechanism).items():
            self.stdout.write(f"  {thing}: {how}")
        return f"Active: {mechanism.title}."
