from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import make_sign_in_token
from apps.core.command import HouseCommand
from apps.core.errors import DomainError


class Command(HouseCommand):
    help = "Prints a link that signs USER in once, within 24 hours."
    example = "manage.py sign_in_link ana"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user")

    def run(self, **options: Any) -> str:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise DomainError(f"There is no user {options['user']!r}.")
        return settings.PUBLIC_URL + reverse("accounts:sign-in-link", args=[make_sign_in_token(user=user)])
