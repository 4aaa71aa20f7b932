"""What a spec accepts without people, what proves it, and how its audit stands."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.statistics.sequential import Sample
from apps.review.proof_models import AuditStop, ProvenRecord
from apps.review.proven import audit_of
from apps.specs.models import Project, Spec
from apps.validation.proofs import proving_checks


@dataclass(frozen=True)
class ProvenState:
    spec: Spec
    checks: list[str]
    accepted: int
    drawn: int
    audit: Sample
    """Since it was last passed."""
    stop: AuditStop | None


def proven_state(project: Project) -> ProvenState | None:
    """None where the published spec leaves everything to people."""
    spec = project.published_spec()
    if spec is None or spec.audited_share is None:
        return None
    proven = ProvenRecord.objects.filter(spec=spec)
    return ProvenState(
        spec=spec,
        checks=[check.title for check in proving_checks(spec)],
        accepted=proven.filter(is_audited=False).count(),
        drawn=proven.filter(is_audited=True).count(),
        audit=audit_of(spec),
        stop=AuditStop.objects.filter(spec=spec).first(),
    )
