"""What the openai SDK raises, in the words of the submission machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from apps.providers.base import AmbiguousError, ProviderError, RetryLaterError
from apps.providers.refusals import TOO_MANY, USUAL_WAIT, lost, refusal, wait_of, without
from apps.providers.sdk import sdk

TOKEN_LIMIT = "token_limit_exceeded"  # noqa: S105  a code of the vendor
# Tokens are freed when a batch ends; nothing sooner helps.
WAIT_FOR_TOKENS = timedelta(minutes=15)
# A fresh upload is not known everywhere at once (curator#116).
WAIT_FOR_FILE = timedelta(seconds=30)
WAIT_FOR_CREDIT = timedelta(hours=1)
_NO_FILE_YET = re.compile(
    r"cannot find file|file\b.*\bnot (?:yet )?(?:ready|processed)|still being processed", re.I
)
_TOO_MANY_TOKENS = re.compile(rf"{TOKEN_LIMIT}|enqueued token", re.I)


@contextmanager
def refusals(*, key: str) -> Iterator[None]:
    """Raises DefiniteRefusalError, RetryLaterError or AmbiguousError for what the SDK raises inside.

    Without the SDK's error as cause: its text may quote ``key``, and its request carries it.
    """
    openai = sdk("openai")
    try:
        yield
    except openai.APIStatusError as error:
        raised = _of_status(error, key)
    except (openai.OpenAIError, sdk("httpx2").HTTPError) as error:
        cause = error.__cause__ or error
        raised = lost(error, without(f"{error} ({type(cause).__name__}: {cause})", [key]))
    except ValueError as error:
        raised = AmbiguousError(f"The answer could not be read ({type(error).__name__}).")
    else:
        return
    raise raised from None


def _of_status(error: Any, key: str) -> ProviderError:
    status, code = error.status_code, error.code or ""
    message = without(_said(error), [key])
    if status == TOO_MANY or (status == 400 and _TOO_MANY_TOKENS.search(f"{code} {message}")):
        usual = USUAL_WAIT if status == TOO_MANY else WAIT_FOR_TOKENS
        if code == "insufficient_quota":
            usual = WAIT_FOR_CREDIT
        return RetryLaterError(
            message, after=wait_of(error.response.headers.get("retry-after", ""), usual=usual)
        )
    if status in {400, 404} and _NO_FILE_YET.search(message):
        return RetryLaterError(message, after=WAIT_FOR_FILE)
    return refusal(status, message)


def _said(error: Any) -> str:
    """The vendor's own message. (The SDK's begins with the status, which ``refusal`` says too.)"""
    said = error.body.get("message") if isinstance(error.body, dict) else error.body
    return said if isinstance(said, str) else str(error.message)
