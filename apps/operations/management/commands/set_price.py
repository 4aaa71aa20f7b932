from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.providers import REGISTRY
from apps.submissions.prices import dollars_of, enter_price


class Command(HouseCommand):
    help = "Says what tokens of a model cost, in US dollars per million. Goes before every list."
    example = 'manage.py set_price azure_openai our-deployment --batch --input 0.075 --output 0.3 --source "contract 7"'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", choices=sorted(REGISTRY), help="Whose interface it is.")
        parser.add_argument("model", help="As the connection spells it.")
        parser.add_argument("--batch", action="store_true", help="Of the batch interface; else one by one.")
        parser.add_argument(
            "--input", required=True, help="For a million tokens; 0 for a server of your own."
        )
        parser.add_argument("--output", required=True, help="For a million tokens.")
        parser.add_argument("--cached-input", help="For a million that were read from a cache.")
        parser.add_argument("--source", required=True, help="Where it was read: a contract, a page.")
        parser.add_argument("--from", dest="as_of", metavar="DAY", help="2026-11-01; else from today on.")

    def run(self, **options: Any) -> str:
        cached = options["cached_input"]
        price = enter_price(
            provider_key=options["provider"],
            model=options["model"],
            is_batch=options["batch"],
            input=dollars_of(options["input"]),
            output=dollars_of(options["output"]),
            cached_input=None if cached is None else dollars_of(cached),
            source=options["source"],
            as_of=_day(options["as_of"]),
            actor=None,
        )
        return (
            f"{price}: ${price.input.normalize():f} in, ${price.output.normalize():f} out per million tokens."
        )


def _day(text: str | None) -> date:
    if text is None:
        return timezone.now().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DomainError(f"--from {text}: write a day as 2026-11-01.") from None
