from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.providers import REGISTRY
from apps.submissions.connections import key_variable, save_connection
from apps.submissions.models import Connection


class Command(HouseCommand):
    help = "Sets up a connection to a provider, or changes the one of that name. Keys stay in the worker's environment."
    example = (
        "manage.py add_connection claude --provider bedrock --model us.anthropic.claude-sonnet-5 "
        "--set region=us-east-1 --set bucket=our-batches --set role_arn=arn:aws:iam::1:role/batches"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="What the connection is called.")
        parser.add_argument(
            "--provider", required=True, choices=sorted(REGISTRY), help="Whose interface it speaks."
        )
        parser.add_argument("--model", required=True, help="Model, deployment or inference profile.")
        parser.add_argument("--base-url", default="", help="Only where it is not the vendor's own.")
        parser.add_argument("--key-name", default="", help="Variable of the generation worker with the key.")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            dest="given",
            help="What else the provider asks for; may be given more than once.",
        )

    def run(self, **options: Any) -> str:
        settings = {}
        for entry in options["given"]:
            name, found, value = entry.partition("=")
            if not found:
                raise DomainError(f"--set {entry}: write NAME=VALUE.")
            settings[name] = value
        connection = save_connection(
            name=options["name"],
            provider_key=options["provider"],
            model=options["model"],
            base_url=options["base_url"],
            key_name=options["key_name"],
            settings=settings,
            connection=Connection.objects.filter(name=options["name"]).first(),
        )
        variable = key_variable(connection)
        needs = f" The generation worker needs {variable} or {variable}_FILE." if variable else ""
        return f"{connection}: {connection.model}, family {connection.family}.{needs}"
