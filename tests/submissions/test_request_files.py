"""A run is cut by the provider's limits into files that cannot change unnoticed."""

from __future__ import annotations

import hashlib

import pytest

from apps.core.errors import DomainError
from apps.core.strict_json import loads_line
from apps.submissions.request_files import FrozenRequests, PlannedRequest, freeze, is_as_frozen, path_of
from tests.submissions.scene import make_connection, make_request, make_submission
from tests.submissions.scripted import Scripted

pytestmark = pytest.mark.django_db


def files_of(requests: list[PlannedRequest]) -> list[FrozenRequests]:
    return list(freeze(make_connection(), requests, total=len(requests)))


def test_seven_requests_at_three_a_batch_are_three_files(provider: Scripted) -> None:
    files = files_of([make_request(first=2 * number) for number in range(7)])
    assert [len(frozen.contexts) for frozen in files] == [3, 3, 1]
    assert len({frozen.nonce for frozen in files}) == 3


def test_a_file_is_cut_by_bytes_too(provider: Scripted) -> None:
    files = files_of([make_request("x" * 9_000) for _ in range(3)])
    assert [len(frozen.contexts) for frozen in files] == [2, 1]
    assert all(path_of(frozen.name).stat().st_size <= 20_000 for frozen in files)


def test_a_request_beyond_the_limits_is_refused(provider: Scripted) -> None:
    with pytest.raises(DomainError, match="more than the 20,000 that Scripted allows"):
        files_of([make_request("x" * 20_000)])


def test_no_requests_are_no_files(provider: Scripted) -> None:
    assert files_of([]) == []


def test_the_file_holds_the_requests_in_order_under_ids_with_the_nonce(provider: Scripted) -> None:
    (frozen,) = files_of([make_request(first=0), make_request(first=2)])
    content = path_of(frozen.name).read_bytes()
    lines = [loads_line(line) for line in content.splitlines()]
    assert [line["custom_id"] for line in lines] == list(frozen.contexts)  # type: ignore[index,call-overload]
    assert all(custom_id.startswith(frozen.nonce) and len(custom_id) <= 64 for custom_id in frozen.contexts)
    assert frozen.sha256 == hashlib.sha256(content).hexdigest()


def test_a_frozen_file_is_read_only_and_a_change_shows(provider: Scripted) -> None:
    submission = make_submission()
    path = path_of(submission.request_file)
    assert path.stat().st_mode & 0o222 == 0
    assert is_as_frozen(submission)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"\n")
    assert not is_as_frozen(submission)
    path.unlink()
    assert not is_as_frozen(submission)
