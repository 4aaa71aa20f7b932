"""A project with real rows and accepted records, as releases need it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.datasets.files import directory_of
from apps.datasets.models import Release
from apps.datasets.services import build_release, request_release
from apps.records.models import Record, Use
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.bulk import bulk_decide
from apps.review.models import Action
from apps.review.opening import open_tasks
from apps.similarity.services import index_records
from apps.specs.models import Role
from tests import factories
from tests.review.scene import Scene, make_scene


@dataclass
class Warehouse:
    scene: Scene
    lead: User

    def __post_init__(self) -> None:
        self.project = self.scene.project

    def accept(self, text: str, label: str = "refund", *, edited: str = "", **values: Any) -> Record:
        """A candidate that a person accepted, or edited to another text."""
        record = self.waiting(text, label, **values)
        task = self.scene.claim_one()
        assert task.record_id == record.pk
        if edited:
            payload = {"input": {"text": edited}, "output": {"label": label}}
            self.scene.decide(task, Action.EDITED, payload=payload)
        else:
            self.scene.decide(task)
        record.refresh_from_db()
        return record

    def accept_in_bulk(self, *texts: str, label: str = "refund") -> list[Record]:
        records = [self.waiting(text, label) for text in texts]
        bulk_decide(project=self.project, actor=self.scene.reviewer)
        return records

    def waiting(self, text: str, label: str = "refund", **values: Any) -> Record:
        record = factories.make_candidate(self.scene.gap, text, label, **values)
        move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
        open_tasks(project=self.project)
        return record

    def recall(self, record: Record) -> None:
        record.refresh_from_db()
        move_records(records=[record], to=RecordStatus.RECALLED, actor=self.lead, reason="bad prompt")

    def real(self, text: str, label: str, *, use: Use = Use.TRAIN) -> Record:
        return factories.make_real(self.project, text, label, use=use)

    def say(self, record: Record, text: str) -> None:
        """``record`` says ``text`` from now on, in the near-duplicate index as well."""
        Record.objects.filter(pk=record.pk).update(edited_input={"text": text})
        index_records(project_id=self.project.pk, texts=[(record.pk, text)])

    def release(self, **policy: Any) -> Release:
        """A release of the project, built."""
        release = request_release(project=self.project, actor=self.lead, policy_override=policy)
        build_release(release.pk)
        release.refresh_from_db()
        return release


def make_warehouse(**values: Any) -> Warehouse:
    """Two train rows, one seed row; nothing is accepted yet."""
    scene = make_scene(**values)
    warehouse = Warehouse(scene, factories.make_member(scene.project, Role.LEAD))
    warehouse.real("where is my refund", "refund")
    warehouse.real("the invoice is wrong", "billing")
    warehouse.real("someone insulted me", "abuse", use=Use.SEED)
    return warehouse


def lines_of(release: Release) -> list[dict[str, Any]]:
    path = directory_of(release) / "dataset.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def splits_of(release: Release) -> dict[int, str]:
    return dict(release.items.values_list("record_id", "eval_split"))
