"""What every management command of the house does alike: examples in --help, domain errors as exits."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.errors import DomainError, RefusedError


class HouseCommand(BaseCommand):
    """Subclasses set ``help`` and ``example`` and write ``run``, which returns the one line to print.

    A DomainError becomes one line on stderr and a non-zero exit; the problems of a RefusedError follow it.
    """

    example = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=f"example:\n  {self.example}" if self.example else "",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            line = self.run(**options)
        except RefusedError as error:
            raise CommandError(
                "\n".join([str(error), *(f"  - {problem}" for problem in error.problems)])
            ) from error
        except DomainError as error:
            raise CommandError(str(error)) from error
        if line:
            self.stdout.write(line)

    def run(self, **options: Any) -> str:
        raise NotImplementedError

    def print_json(self, value: object) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False, indent=2))
