"""What the openai SDK raises, in the words of the submission machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from apps.providers.base import AmbiguousError, DefiniteRefusalError, ProviderError, RetryLaterError
from apps.providers.network import refused_host, was_never_sent
from apps.providers.sdk import sdk

# Nobody knows what became of these: a timeout on the way, a conflict with a call that may be our own, a client
# that is said to have gone.
UNCLEAR_STATUSES = frozenset({408, 409, 425, 499})
TOKEN_LIMIT = "token_limit_exceeded"  # noqa: S105 - a code of the vendor
# Tokens are freed when a batch ends; nothing sooner helps.
WAIT_FOR_TOKENS = timedelta(minutes=15)
# A fresh upload is not known everywhere at once (curator#116).
WAIT_FOR_FILE = timedelta(seconds=30)
WAIT_FOR_CREDIT = timedelta(hours=1)
WAIT_FOR_NETWORK = timedelta(minutes=1)
WAIT_BY_DEFAULT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=1)
_NO_FILE_YET = re.compile(
    r"cannot find file|file\b.*\bnot (?:yet )?(?:ready|processed)|still being processed", re.I
)
_TOO_MANY_TOKENS = re.compile(r"token_limit_exceeded|enqueued token", re.I)


@contextmanager
def refusals(*, key: str) -> Iterator[None]:
    """Raises DefiniteRefusalError, RetryLaterError or AmbiguousError for what the SDK raises inside.

    Without the SDK's error as cause: its text may quote ``key``, and its request carries it.
    """
    openai = sdk("openai")
    try:
        yield
    except openai.APIStatusError as error:
        refusal = _of_status(error, key)
    except (openai.OpenAIError, sdk("httpx2").HTTPError) as error:
        refusal = _of_connection(error, key)
    except ValueError as error:
        refusal = AmbiguousError(f"The answer could not be read ({type(error).__name__}).")
    else:
        return
    raise refusal from None


def wait_of(headers: Mapping[str, str], *, default: timedelta = WAIT_BY_DEFAULT) -> timedelta:
    """How long Retry-After asks us to wait: seconds, milliseconds or a date; between a second and a day."""
    wait = default
    try:
        if milliseconds := headers.get("retry-after-ms"):
            wait = timedelta(milliseconds=float(milliseconds))
        elif value := headers.get("retry-after"):
            wait = _seconds_or_date(value)
    except (ValueError, OverflowError, TypeError):
        wait = default
    return min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)


def _seconds_or_date(value: str) -> timedelta:
    try:
        return timedelta(seconds=float(value))
    except ValueError:
        until = parsedate_to_datetime(value)
    return (until if until.tzinfo else until.replace(tzinfo=UTC)) - datetime.now(UTC)


def _of_status(error: Any, key: str) -> ProviderError:
    status, code = error.status_code, error.code or ""
    message = _shown(error.message, key)
    if status == 429 and code == "insufficient_quota":
        return RetryLaterError(message, after=WAIT_FOR_CREDIT)
    if status == 429 or (status == 400 and _TOO_MANY_TOKENS.search(f"{code} {error.message}")):
        default = WAIT_BY_DEFAULT if status == 429 else WAIT_FOR_TOKENS
        return RetryLaterError(message, after=wait_of(error.response.headers, default=default))
    if status in {400, 404} and _NO_FILE_YET.search(error.message):
        return RetryLaterError(message, after=WAIT_FOR_FILE)
    if 400 <= status < 500 and status not in UNCLEAR_STATUSES:
        return DefiniteRefusalError(message)
    return AmbiguousError(message)


def _of_connection(error: Exception, key: str) -> ProviderError:
    if refused := refused_host(error):
        return refused
    cause = error.__cause__ or error
    message = _shown(f"{error} ({type(cause).__name__}: {cause})", key)
    if was_never_sent(error):
        return RetryLaterError(f"Nothing was sent. {message}", after=WAIT_FOR_NETWORK)
    return AmbiguousError(message)


def _shown(message: str, key: str) -> str:
    """At most 500 characters, and never the key, should a server quote it."""
    return (message.replace(key, "[key]") if key else message)[:500]
