"""Who we are to Google Cloud: the service account that a connection names, or whoever this machine is."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from apps.core.errors import DomainError
from apps.core.strict_json import StrictJsonError, loads_line
from apps.providers.base import DefiniteRefusalError, Endpoint, ProviderError, RetryLaterError
from apps.providers.keys import read_key
from apps.providers.network import guarded_session, refused_host
from apps.providers.sdk import sdk

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
WAIT = timedelta(minutes=1)


def access_token(endpoint: Endpoint, default_name: str, *, hosts: tuple[str, ...]) -> str:
    """A token for an hour, fetched over the guarded session before anything else is sent.

    So every error here is for certain one before the call that costs: DomainError when there are no credentials,
    DefiniteRefusalError when they are refused, RetryLaterError when nobody answers. A service account asks the
    ``token_uri`` of its own key, which must be one of ``hosts``; on Google's machines the operator adds
    metadata.google.internal to PROVIDER_HOSTS.
    """
    name = endpoint.key_name or default_name
    source = _service_account(name) if endpoint.key_name or _is_set(default_name) else _of_this_machine(name)
    with guarded_session(hosts) as session:
        try:
            source.refresh(sdk("google.auth.transport.requests").Request(session=session))
        except sdk("google.auth.exceptions").GoogleAuthError as error:
            raise _not_let_in(error, name) from None
    return str(source.token)


def bearer(token: str) -> Any:
    """Credentials that carry ``token`` and cannot fetch another, past the guard."""
    return sdk("google.oauth2.credentials").Credentials(token=token)


def _is_set(name: str) -> bool:
    return any(os.environ.get(variable) for variable in (name, f"{name}_FILE"))


def _service_account(name: str) -> Any:
    """From the JSON that Google gives for a key; the error quotes none of it."""
    text = read_key(name)
    try:
        # One line, so that the reader of result lines will do.
        info = loads_line(text.replace("\n", " ").encode())
        if not isinstance(info, dict) or info.get("type") != "service_account":
            raise ValueError("type")
        account = sdk("google.oauth2.service_account").Credentials
        return account.from_service_account_info(info, scopes=SCOPES)
    except (StrictJsonError, ValueError):
        raise DomainError(
            f"{name} must hold the JSON of a service account's key, as Google Cloud offers it for download "
            f"({name}_FILE may name the file)."
        ) from None


def _of_this_machine(name: str) -> Any:
    """Application Default Credentials."""
    try:
        source, _ = sdk("google.auth").default(scopes=SCOPES)
    except sdk("google.auth.exceptions").DefaultCredentialsError:
        raise DomainError(
            f"The generation worker has no Google Cloud credentials: set {name} or {name}_FILE in its environment "
            "to the JSON of a service account's key and restart it."
        ) from None
    return source


def _not_let_in(error: Any, name: str) -> ProviderError:
    if host := refused_host(error):
        return DefiniteRefusalError(str(host))
    if error.retryable or isinstance(error, sdk("google.auth.exceptions").TransportError):
        return RetryLaterError("Nothing was sent: Google gave no token.", after=WAIT)
    return DefiniteRefusalError(
        f"Nothing was sent: Google gives no token for {name}. {str(error.args[0])[:200]}"
    )
