"""Calls to Google through its SDKs: one attempt each, and in the machine's words what came of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, cast

from apps.core.errors import DomainError
from apps.providers.base import BatchState, JsonObject, ProviderError, UnreadableAnswerError
from apps.providers.network import http_client
from apps.providers.refusals import lost, refusal, without
from apps.providers.sdk import sdk

PAGE_SIZE = 100
# Gemini says how long to wait in the body: {"@type": "…/google.rpc.RetryInfo", "retryDelay": "34s"}.
_RETRY_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")

# Vertex ends in PARTIALLY_SUCCEEDED too, which the SDK's ``job.done`` does not count as an end (providers.md §4).
_STATES = {
    "JOB_STATE_QUEUED": BatchState.WAITING,
    "JOB_STATE_PENDING": BatchState.WAITING,
    "JOB_STATE_UNSPECIFIED": BatchState.WAITING,
    "JOB_STATE_SUCCEEDED": BatchState.ENDED,
    "JOB_STATE_PARTIALLY_SUCCEEDED": BatchState.ENDED,
    "JOB_STATE_FAILED": BatchState.FAILED,
    "JOB_STATE_CANCELLED": BatchState.CANCELLED,
    "JOB_STATE_EXPIRED": BatchState.EXPIRED,
}


def display_name(nonce: str) -> str:
    """What a batch is called at Google: the only tag by which a lost one is found again."""
    return f"synthreview-{nonce}"


@contextmanager
def calling(name: str, *, secrets: tuple[str, ...] = ()) -> Iterator[None]:
    """Whatever an SDK raises inside becomes DefiniteRefusalError, RetryLaterError or AmbiguousError.

    The SDK's error is not kept as cause: it holds the request with its key, and may quote what the other side
    said. Of an error that is no answer only the kind is told, for the same reason.
    """
    try:
        yield
    except (DomainError, ProviderError):
        raise
    except Exception as error:  # noqa: BLE001  three SDKs under one roof, each with errors of its own
        raise _in_our_words(error, name, secrets) from None


@contextmanager
def genai_client(
    hosts: tuple[str, ...], *, within: timedelta, base_url: str, api_version: str, **who: Any
) -> Iterator[Any]:
    """A ``genai.Client`` for ``who`` that tries once, for at most ``within`` at each step of a call.

    Without a timeout of its own the SDK switches off the one of its HTTP client.
    """
    seconds = within.total_seconds()
    with http_client(hosts, timeout=seconds) as http:
        options = {
            "httpx_client": http,
            "api_version": api_version,
            "timeout": int(seconds * 1000),
            "retry_options": {"attempts": 1},
            **({"base_url": base_url} if base_url else {}),
        }
        # Held by name while it is used: a client that nobody holds closes itself (python-genai#1763).
        client = sdk("google.genai").Client(http_options=options, **who)
        yield client


def every_job(client: Any, **config: Any) -> Iterator[Any]:
    """The batches of all pages. The SDK's own iteration breaks at an empty page in the middle."""
    pager = client.batches.list(config={"page_size": PAGE_SIZE, **config})
    yield from pager.page
    while pager.config.get("page_token"):
        yield from pager.next_page()


def state_of(job: Any) -> BatchState:
    """A state that we do not know is no end: whoever took it for one would lose what was paid for."""
    name = getattr(job.state, "value", job.state) or ""
    return _STATES.get(name, BatchState.RUNNING)


def made_at(job: Any) -> datetime:
    """When the batch was made. UnreadableAnswerError if it does not say."""
    if not isinstance(job.create_time, datetime):
        raise UnreadableAnswerError(f"The batch {job.name} does not say when it was made.")
    return job.create_time


def is_over(state: BatchState) -> bool:
    return state not in {BatchState.WAITING, BatchState.RUNNING}


def generate_once(client: Any, model: str, request: JsonObject) -> bytes:
    """Posts one ``generateContent`` and returns its body on one line, as it came, for the strict reader to judge.

    The SDK would by itself post again: to call functions, and to go on after a CONTINUATION.
    """
    types = sdk("google.genai.types")
    config = types.GenerateContentConfig(
        **cast("dict[str, Any]", request["generationConfig"]),
        automatic_function_calling={"disable": True},
        automatic_continuation=False,
        should_return_http_response=True,
    )
    response = client.models.generate_content(model=model, contents=request["contents"], config=config)
    said: str = response.sdk_http_response.body or ""
    return said.replace("\r", " ").replace("\n", " ").encode("utf-8", "surrogatepass") or b"null"


def _in_our_words(error: Exception, name: str, secrets: tuple[str, ...]) -> ProviderError:
    # google.genai's APIError and google.api_core's GoogleAPICallError agree on these names.
    status, response = getattr(error, "code", None), getattr(error, "response", None)
    if not isinstance(status, int) or response is None:
        return lost(error, f"{name} gave no clear answer ({type(error).__name__}).")
    message = without(str(getattr(error, "message", None) or ""), secrets)
    return refusal(int(status), message, retry_after=_retry_after(error, response))


def _retry_after(error: Exception, response: Any) -> str:
    """In seconds, by the header or by the body; "" where neither says."""
    if header := response.headers.get("Retry-After"):
        return str(header)
    found = _RETRY_DELAY.fullmatch(_retry_delay(getattr(error, "details", None)))
    return found[1] if found else ""


def _retry_delay(details: Any) -> str:
    body = details.get("error") if isinstance(details, dict) else None
    entries = body.get("details") if isinstance(body, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("retryDelay"), str):
            return str(entry["retryDelay"])
    return ""
