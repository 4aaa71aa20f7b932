"""Making releases: freeze the list, write the files, prove that they can be written again."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, BinaryIO, cast

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.accounts.models import User
from apps.core.atomic_files import atomic_file
from apps.core.batches import batched
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.wake import wake
from apps.datasets import files
from apps.datasets.choosing import Choice, choose, screen_candidates
from apps.datasets.lines import examples_of
from apps.datasets.manifest import Tally, card, frozen_part, whole_manifest
from apps.datasets.models import MACHINE, Release, ReleaseItem, ReleaseQuerySet, ReleaseStatus
from apps.datasets.policy import MixPolicy
from apps.datasets.writers import MAIN, REGISTRY, Writer
from apps.records.models import Record
from apps.records.states import RELEASABLE
from apps.review.checkpoint_models import LedgerCheckpoint
from apps.review.checkpoints import make_checkpoint
from apps.specs.models import Project

logger = logging.getLogger(__name__)

QUEUE = "evaluation"
BATCH = 500
LEASE = timedelta(minutes=2)
"""Without a sign of life for so long, a build counts as killed and another worker starts it over."""
MAX_ATTEMPTS = 5


def request_release(
    *, project: Project, actor: User | None, policy_override: Mapping[str, Any] | None = None
) -> Release:
    """Freezes which records go in, and leaves the files to a worker (``build_release``).

    ``policy_override`` replaces parts of the project's policy for this release. Raises RefusedError for a policy
    that cannot be used, and when no reviewed record would go in, saying why.
    """
    policy = MixPolicy.of(project, policy_override)
    screening = screen_candidates(project, policy)
    checkpoint = make_checkpoint(project=project)
    with transaction.atomic():
        _one_at_a_time(project)
        choice = choose(project, policy, screening)
        _require_candidates(choice)
        release = _freeze(project, actor, policy, choice, checkpoint)
    wake(QUEUE)
    return release


def build_release(release_id: int) -> None:
    """Writes the files of a release that is due, and declares it ready. Does nothing if another worker has it.

    An attempt that was killed is started over by the next sweep: it writes the same bytes. An error is written
    on the release, which is tried again later and fails for good after MAX_ATTEMPTS.
    """
    release = _claim(release_id)
    if release is None:
        return
    if release.attempts > MAX_ATTEMPTS:
        # No error was written, so every one of its workers was killed.
        _fail(release, f"Its worker died {MAX_ATTEMPTS} times.")
        return
    try:
        files.remove_drafts(release)
        _declare_ready(release, _write_files(release))
    except StaleStateError:
        logger.warning("Release %s was taken over by another worker.", release_id)
    except Exception as error:
        logger.exception("Building release %s failed", release_id)
        _put_off(release, error)


def rebuild_release(release: Release) -> bool:
    """Writes the dataset again from the frozen list. True: the bytes are the same, and the file is in its place.

    False: they differ, and the file on disk was left alone.
    """
    if release.status != ReleaseStatus.READY:
        raise StaleStateError(f"{release} is {release.status}: only a ready release can be rebuilt.")
    path = files.directory_of(release) / MAIN.filename
    try:
        with atomic_file(path) as file:
            digest = _write_hashed(MAIN, release, examples_of(release), file)
            if digest["sha256"] != release.content_hash:
                raise _DifferentBytesError
    except _DifferentBytesError:
        return False
    return True


class _DifferentBytesError(Exception):
    """Leaves ``atomic_file`` without a file."""


def _one_at_a_time(project: Project) -> None:
    """Releases of a project are numbered, and splits look at earlier ones.

    Not against the keys: whoever undoes or decides meanwhile holds a record that is wanted here, and names the
    project in what they write; against them this would be a deadlock.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _require_candidates(choice: Choice) -> None:
    if any(record.status in RELEASABLE for record in choice.records):
        return
    problems = [f"{group.count}: {group.reason}." for group in choice.left_out]
    raise RefusedError(
        "No reviewed record would go into this release."
        if problems
        else "Nothing was accepted yet, so there is nothing to release: review some records first.",
        problems,
    )


def _freeze(
    project: Project, actor: User | None, policy: MixPolicy, choice: Choice, checkpoint: LedgerCheckpoint
) -> Release:
    last = project.releases.aggregate(last=Max("number"))["last"]
    now = timezone.now()
    release = Release.objects.create(
        project=project,
        number=(last or 0) + 1,
        policy=policy.as_json(),
        manifest=frozen_part(project, choice, checkpoint),
        total=len(choice.records),
        created_at=now,
        created_by=actor,
        next_attempt_at=now,
    )
    items = [
        ReleaseItem(
            release=release,
            record=record,
            decision_uuid=record.decision_uuid,
            review_status=record.status,
            review_method=record.review_method,
            eval_split=choice.split_of[record.pk],
            position=position,
        )
        for position, record in enumerate(choice.records)
    ]
    ReleaseItem.objects.bulk_create(items, batch_size=BATCH)
    for chunk in batched([record.pk for record in choice.records], BATCH):
        Record.objects.filter(pk__in=chunk, released_at=None).update(released_at=now)
    return release


def _claim(release_id: int) -> Release | None:
    """Takes the release for LEASE, so that a second worker leaves it alone; None when it is not due."""
    now = timezone.now()
    due = Release.objects.due(now).filter(pk=release_id)
    release = due.first()
    if release is None:
        return None
    claimed = due.filter(attempts=release.attempts).update(
        attempts=release.attempts + 1, next_attempt_at=now + LEASE, done=0
    )
    release.attempts += 1
    return release if claimed == 1 else None


def _write_files(release: Release) -> dict[str, Any]:
    """Writes every format, the manifest and the card; returns the manifest."""
    directory = files.directory_of(release)
    tally = Tally(release.manifest["task_type"])
    written = {}
    for writer in REGISTRY.values():
        examples = examples_of(release, on_progress=lambda done: _report(release, done))
        with atomic_file(directory / writer.filename) as file:
            written[writer.filename] = _write_hashed(
                writer, release, tally.watch(examples) if writer is MAIN else examples, file
            )
    manifest = whole_manifest(release, tally, written)
    with atomic_file(directory / files.MANIFEST) as file:
        file.write(json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n")
    with atomic_file(directory / files.CARD) as file:
        file.write(card(manifest).encode())
    return manifest


def _declare_ready(release: Release, manifest: dict[str, Any]) -> None:
    MACHINE.swap(
        _still_ours(release),
        old=ReleaseStatus.BUILDING,
        new=ReleaseStatus.READY,
        manifest=manifest,
        content_hash=manifest["content_sha256"],
        directory=files.relative_directory(release),
        done=release.total,
        ready_at=timezone.now(),
        next_attempt_at=None,
        last_error="",
    )


class _Hashing:
    """Passes writes on and hashes them, so that a large file is not read again."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self.file.write(data)


def _write_hashed(writer: Writer, release: Release, examples: Any, file: BinaryIO) -> dict[str, Any]:
    target = _Hashing(file)
    writer.write(examples, cast("BinaryIO", target), task_type=release.manifest["task_type"])
    return {"sha256": target.digest.hexdigest(), "bytes": target.size}


def _report(release: Release, done: int) -> None:
    """Progress, which is also the sign of life. Raises StaleStateError when the release is no longer ours."""
    building = _still_ours(release).filter(status=ReleaseStatus.BUILDING)
    if building.update(done=done, next_attempt_at=timezone.now() + LEASE) != 1:
        raise StaleStateError(f"{release} was taken over by another worker.")


def _still_ours(release: Release) -> ReleaseQuerySet:
    """Empty once another worker has claimed the release."""
    return Release.objects.filter(pk=release.pk, attempts=release.attempts)


def _put_off(release: Release, error: Exception) -> None:
    """Tries again later, MAX_ATTEMPTS times."""
    message = str(error) if isinstance(error, DomainError | OSError) else type(error).__name__
    if release.attempts >= MAX_ATTEMPTS:
        _fail(release, message)
        return
    wait = timedelta(seconds=10 * 2**release.attempts)
    _still_ours(release).filter(status=ReleaseStatus.BUILDING).update(
        last_error=message, next_attempt_at=timezone.now() + wait
    )


def _fail(release: Release, message: str) -> None:
    """Gives the release up; its records are free again."""
    with transaction.atomic():
        MACHINE.swap(
            _still_ours(release),
            old=ReleaseStatus.BUILDING,
            new=ReleaseStatus.FAILED,
            last_error=message,
            next_attempt_at=None,
        )
        _let_go(release)


def _let_go(release: Release) -> None:
    """Records that no other release holds can be undone again."""
    held = ReleaseItem.objects.filter(
        release__status__in=[ReleaseStatus.BUILDING, ReleaseStatus.READY]
    ).values("record")
    free = Record.objects.filter(release_items__release=release).exclude(pk__in=held)
    Record.objects.filter(pk__in=free.values("pk")).update(released_at=None)
