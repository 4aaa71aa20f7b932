"""Setting up connections. Everything that can be wrong is said before anything is saved; no key is ever asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from apps.core.errors import DomainError, RefusedError
from apps.providers import Provider, provider_of
from apps.providers.keys import check_key_name
from apps.providers.network import check_base_url
from apps.submissions.families import family_of
from apps.submissions.models import Connection, ModelFamily


@transaction.atomic
def save_connection(
    *,
    name: str,
    provider_key: str,
    model: str,
    base_url: str = "",
    key_name: str = "",
    settings: Mapping[str, str] | None = None,
    family: ModelFamily | None = None,
    is_enabled: bool = True,
    connection: Connection | None = None,
) -> Connection:
    """A new connection, or ``connection`` changed. RefusedError lists every problem.

    Submissions keep what they were priced and sent with; provider and model of a connection that has been used do
    not change, since records say where they come from by its name.
    """
    provider = provider_of(provider_key)
    problems = problems_of(
        provider, model=model, base_url=base_url, key_name=key_name, settings=settings or {}
    )
    if connection is not None:
        problems += used_model_problems(connection, provider_key, model)
    if problems:
        raise RefusedError("This connection cannot be used:", problems)
    connection = connection or Connection(name=name)
    connection.name, connection.provider, connection.model = name, provider_key, model
    connection.base_url, connection.key_name = base_url, key_name
    connection.settings = {key: value for key, value in (settings or {}).items() if value}
    connection.family = family or family_of(model)
    connection.is_enabled = is_enabled
    connection.save()
    return connection


def used_model_problems(connection: Connection, provider_key: str, model: str) -> list[str]:
    """Compared with what is saved: a form has put its own values on the instance."""
    saved = Connection.objects.filter(pk=connection.pk).first()
    if (
        saved is None
        or (saved.provider, saved.model) == (provider_key, model)
        or not saved.submissions.exists()
    ):
        return []
    return [f"{saved} has been used with {saved.model}: make another connection for {model}."]


def problems_of(
    provider: Provider, *, model: str, base_url: str, key_name: str, settings: Mapping[str, str]
) -> list[str]:
    """Every reason, in words, why these cannot be a connection of ``provider``."""
    problems = []
    if not model.strip():
        problems.append("model: name one")
    if provider.needs_base_url and not base_url:
        problems.append(f"base URL: {provider.title} has none of its own; say where it is")
    if base_url:
        problems += _refusal(check_base_url, base_url, hosts=provider.hosts)
    if key_name:
        problems += _refusal(check_key_name, key_name)
    known = {setting.name: setting for setting in provider.settings}
    problems += [
        f"{setting.title}: say which; {setting.help}".rstrip("; ")
        for setting in provider.settings
        if setting.is_required and not settings.get(setting.name)
    ]
    problems += [
        f"{name}: {provider.title} knows no such setting; there is {', '.join(known) or 'none'}"
        for name in settings
        if name not in known
    ]
    return problems


def _refusal(check: Callable[..., None], *args: Any, **options: Any) -> list[str]:
    try:
        check(*args, **options)
    except DomainError as error:
        return [str(error)]
    return []


def key_variable(connection: Connection) -> str:
    """Which variable of the generation worker holds the key; "" when none is needed."""
    return connection.key_name or provider_of(connection.provider).default_key_name
