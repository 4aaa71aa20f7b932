"""Accepting what checks have proven, where a spec says so: by method ``validator``, and audited by people.

A spec can say so only if every output field is proven (``apps.validation.proofs``). A random share goes to people all
the same; once their decisions refuse it by the sequential plan, it is over for this spec.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from uuid import uuid4

from apps.core.clock import database_now
from apps.core.statistics.sequential import Plan, Sample, Verdict, run_plan
from apps.records.models import Record, RecordEvent, ReviewMethod, SourceType
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.proof_models import AuditStop, ProvenRecord
from apps.specs.models import Project, Spec
from apps.validation.models import Finding, Outcome
from apps.validation.proofs import proving_checks, unproven

PLAN = Plan()
"""Of the audit: 5% bad is fine, 15% is not (measurement.md §5)."""
BAD = frozenset({RecordStatus.EDITED, RecordStatus.REJECTED})


def accept_proven(records: Sequence[Record]) -> list[Record]:
    """Accepts those of ``records`` (locked, awaiting review) that are proven; returns those that are for people."""
    by_project: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        by_project[record.project_id].append(record)
    taken: set[int] = set()
    for project in Project.objects.filter(pk__in=by_project):
        spec = project.published_spec()
        if spec is not None and spec.audited_share is not None and is_on(spec):
            taken |= _accept(spec, by_project[project.pk])
    return [record for record in records if record.pk not in taken]


def is_on(spec: Spec) -> bool:
    """Whether proven records are accepted under ``spec`` now; ends it for good when the audit has failed."""
    if spec.audited_share is None or unproven(spec) or AuditStop.objects.filter(spec=spec).exists():
        return False
    audit = audit_of(spec)
    if audit.verdict != Verdict.REFUSED:
        return True
    AuditStop.objects.get_or_create(
        spec=spec, defaults={"reviewed": audit.reviewed, "bad": audit.bad, "stopped_at": database_now()}
    )
    return False


def audit_of(spec: Spec) -> Sample:
    """The audit since it was last passed, in the order in which its records came, up to the first undecided one."""
    outcomes = []
    audited = ProvenRecord.objects.filter(spec=spec, is_audited=True).order_by("pk")
    for status in audited.values_list("record__status", flat=True):
        if status == RecordStatus.FAILED_CHECKS:
            continue
        if status != RecordStatus.ACCEPTED and status not in BAD:
            break
        outcomes.append(status in BAD)
    # Each time the plan accepts, the audit begins anew: only a refusal ends it.
    while (sample := run_plan(PLAN, outcomes)).verdict == Verdict.ACCEPTED:
        outcomes = outcomes[sample.reviewed :]
    return sample


def is_audited(spec: Spec, record: Record) -> bool:
    """Random, and not for a generator to know: from the record's uuid, which is drawn here."""
    digest = hashlib.sha256(f"audit {spec.pk}:{record.uuid}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < (spec.audited_share or 0) * 2**64


def _accept(spec: Spec, records: Sequence[Record]) -> set[int]:
    proven = _proven(spec, records)
    now, decision = database_now(), uuid4()
    checks = [{"check": check.name, "version": check.version} for check in proving_checks(spec)]
    audited = {record.pk for record in proven if is_audited(spec, record)}
    accepted = [record for record in proven if record.pk not in audited]
    ProvenRecord.objects.bulk_create(
        ProvenRecord(
            record=record,
            spec=spec,
            checks=checks,
            is_audited=record.pk in audited,
            decision_uuid=decision,
            proven_at=now,
        )
        for record in proven
    )
    if accepted:
        names = ", ".join(f"{each['check']} v{each['version']}" for each in checks)
        move_records(
            records=accepted,
            to=RecordStatus.ACCEPTED,
            actor=None,
            reason=f"proven by {names}"[:200],
            review_method=ReviewMethod.VALIDATOR,
            reviewed_at=now,
            decision_uuid=decision,
        )
    return {record.pk for record in accepted}


def _proven(spec: Spec, records: Sequence[Record]) -> list[Record]:
    """Straight from checks that ran under this spec, without a warning. Everything else is for people."""
    ids = [record.pk for record in records]
    fresh = set(
        RecordEvent.objects.filter(
            record__in=ids,
            status_from=RecordStatus.GENERATED,
            status_to=RecordStatus.AWAITING_REVIEW,
            happened_at__gte=spec.published_at,
        ).values_list("record_id", flat=True)
    )
    fresh -= set(ProvenRecord.objects.filter(record__in=ids).values_list("record_id", flat=True))
    fresh -= set(
        Finding.objects.filter(record__in=ids)
        .exclude(outcome=Outcome.INFO)
        .values_list("record_id", flat=True)
    )
    whole = Record.objects.filter(pk__in=fresh, event_seq=2).exclude(source_type=SourceType.WRITTEN)
    return list(whole.order_by("pk"))
