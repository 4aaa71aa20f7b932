"""What the status of an answer says about money: a definite no, "not now", or that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from apps.providers.base import AmbiguousError, DefiniteRefusalError, ProviderError, RetryLaterError
from apps.providers.network import refused_host, was_never_sent

TOO_MANY = 429
# 4xx by number, and yet no refusal: a timeout, a conflict with what may be our own earlier request, one replayed too
# early, a failed dependency (Bedrock: the model broke while it worked), a connection the client closed (Anthropic).
NOT_DEFINITE = frozenset({408, 409, 424, 425, 499})
USUAL_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=1)
LONGEST_MESSAGE = 1000


def refusal(status: int, message: str, *, retry_after: str = "") -> ProviderError:
    """The error that an answer with ``status`` means. ``retry_after`` is the header, "" where there is none."""
    said = f"HTTP {status}: {message or 'no reason given'}"[:LONGEST_MESSAGE]
    if status == TOO_MANY:
        return RetryLaterError(said, after=wait_of(retry_after))
    if 400 <= status < 500 and status not in NOT_DEFINITE:
        return DefiniteRefusalError(said)
    return AmbiguousError(said)


def lost(error: BaseException, message: str) -> ProviderError:
    """The error that no answer means: nothing was sent for certain, or nobody knows."""
    if host := refused_host(error):
        return DefiniteRefusalError(str(host))
    said = message[:LONGEST_MESSAGE]
    if was_never_sent(error):
        return RetryLaterError(f"Nothing was sent: {said}", after=USUAL_WAIT)
    return AmbiguousError(said)


def wait_of(retry_after: str, *, usual: timedelta = USUAL_WAIT) -> timedelta:
    """A Retry-After header, in seconds or as a date, as a time to wait: at most a day, ``usual`` if unreadable."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return usual
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    if not seconds >= 0:
        return usual
    return timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))


def without(text: str, secrets: Iterable[str]) -> str:
    """``text`` with every one of ``secrets`` blacked out: some vendors quote a request in their errors."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[key]")
    return text
