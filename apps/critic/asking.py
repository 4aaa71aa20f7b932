"""Asking a judge about a portion of records: what it would cost, and the intent to send it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.charts.format import dollars
from apps.core.errors import DomainError, StaleStateError
from apps.core.strict_json import canonical_dumps
from apps.critic.choosing import askable
from apps.critic.models import Asking, JudgeVersion, Occasion, Question, QuestionState
from apps.critic.rubric import FRAME, USUAL_OUTPUT, Asker
from apps.providers import provider_of
from apps.providers.base import Volume
from apps.records.models import Record
from apps.specs.models import Project
from apps.submissions.budgets import refuse_over_budget, refuse_unpriced
from apps.submissions.estimates import count_tokens, estimate, reservation_for
from apps.submissions.models import Delivery, Submission
from apps.submissions.request_files import FrozenRequests, PlannedRequest, custom_id_of, freeze
from apps.submissions.services import plan_submission

PURPOSE = "judge"
USUAL_PORTION = 200
MOST_RECORDS = 2_000


@dataclass(frozen=True)
class Portion:
    """What would be asked, and its estimate (as in ``submissions.estimates``)."""

    version: JudgeVersion
    occasion: str
    delivery: str
    asker: Asker
    records: list[Record]
    requests: list[PlannedRequest]
    estimate: dict[str, Any]

    @property
    def cost_words(self) -> str:
        if not self.estimate["price"]:
            return "a price that nobody knows"
        return f"{'about ' if self.estimate['is_guess'] else ''}{dollars(self.estimate['money'])}"


def usual_delivery(version: JudgeVersion) -> str:
    """A batch where there is one: nobody waits for a judge."""
    has_batches = provider_of(version.connection.provider).has_batches
    return Delivery.BATCH if has_batches else Delivery.SYNCHRONOUS


def portion_of(
    version: JudgeVersion, occasion: str, *, most: int = USUAL_PORTION, delivery: str = ""
) -> Portion:
    """The next ``most`` records that ``version`` may be asked about; writes nothing and sends nothing.

    DomainError when there is none, or when the connection has been switched off.
    """
    if not 1 <= most <= MOST_RECORDS:
        raise DomainError(f"A portion is of 1 to {MOST_RECORDS:,} records, not {most:,}.")
    if not version.connection.is_enabled:
        raise DomainError(f"The connection {version.connection} is switched off: give the judge another one.")
    records = list(askable(version, occasion).select_related("gap")[:most])
    if not records:
        raise DomainError(
            f"Of the {Occasion(occasion).label}, there is none that {version} has yet to be asked about."
        )
    asker = Asker(version.judge.project, version.rubric)
    requests = [_request(asker, record) for record in records]
    delivery = delivery or usual_delivery(version)
    return Portion(
        version, occasion, delivery, asker, records, requests, _estimate(version, requests, delivery)
    )


def ask(
    version: JudgeVersion, occasion: str, *, actor: User | None, most: int = USUAL_PORTION, delivery: str = ""
) -> Asking:
    """Writes down what is asked; the workers screen, send and take it in.

    DomainError as in ``portion_of`` or when the judge is off; RefusedError when the budget does not allow it, or
    nobody knows the price and there is a budget; StaleStateError when somebody asked about some of them just now.
    """
    if not version.judge.is_on:
        raise DomainError(f"{version.judge} is switched off: switch it on first.")
    return ask_portion(portion_of(version, occasion, most=most, delivery=delivery), actor=actor)


def ask_portion(portion: Portion, *, actor: User | None) -> Asking:
    """As ``ask`` does, for a portion that was chosen a moment ago."""
    version = portion.version
    _refuse_money(version.judge.project, portion)
    files: list[FrozenRequests] = []
    try:
        files.extend(
            freeze(
                version.connection,
                portion.requests,
                total=len(portion.requests),
                is_batch=portion.delivery == Delivery.BATCH,
            )
        )
        return _commit(portion, files, actor)
    except Exception:
        for frozen in files:
            frozen.discard()
        raise


@transaction.atomic
def _commit(portion: Portion, files: Sequence[FrozenRequests], actor: User | None) -> Asking:
    version, project = portion.version, portion.version.judge.project
    # Of two who press the button at once, the second finds the questions of the first.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    taken = [record.pk for record in portion.records]
    if Question.objects.filter(asking__version=version, record__in=taken, state=QuestionState.ASKED).exists():
        raise StaleStateError(f"{version} was asked about some of these just now: reload and look.")
    asking = Asking.objects.create(
        version=version,
        occasion=portion.occasion,
        delivery=portion.delivery,
        frame=FRAME,
        spec_version=portion.asker.spec_version,
        guide_version=portion.asker.guide_version,
        estimate=portion.estimate,
        asked=len(taken),
        created_by=actor,
    )
    Question.objects.bulk_create(
        Question(asking=asking, record_id=request.context["judged"], payload_digest=request.context["digest"])
        for request in portion.requests
    )
    for frozen in files:
        plan_submission(
            frozen=frozen,
            project=project,
            connection=version.connection,
            purpose=PURPOSE,
            run_uuid=asking.uuid,
            delivery=portion.delivery,
            reservation=reservation_for(portion.estimate, requests=len(frozen.contexts)),
        )
    return asking


def _request(asker: Asker, record: Any) -> PlannedRequest:
    """``record`` comes with its ``standing_digest``."""
    context = {"judged": record.pk, "digest": record.standing_digest}
    return PlannedRequest(asker.ask(record), context)


def _refuse_money(project: Project, portion: Portion) -> None:
    """Before files are written; what holds is the reservation of each submission."""
    reservation = reservation_for(portion.estimate, requests=portion.estimate["requests"])
    if reservation.price:
        refuse_over_budget(project=project, amount=reservation.amount)
    else:
        refuse_unpriced(project=project)


def _estimate(version: JudgeVersion, requests: Sequence[PlannedRequest], delivery: str) -> dict[str, Any]:
    connection = version.connection
    provider, endpoint = provider_of(connection.provider), connection.endpoint
    longest = max(requests, key=lambda request: len(str(request.ask.prompt)))
    sample = provider.request_line(custom_id_of("0" * 32, 1), longest.ask, endpoint=endpoint)
    size = len(canonical_dumps(sample)) * len(requests)
    volume = Volume(requests=len(requests), records=len(requests), request_bytes=size)
    limits = provider.limits(endpoint)
    same = Asking.objects.filter(version=version).values("uuid")
    return estimate(
        connection=connection,
        delivery=delivery,
        volume=volume,
        submissions=max(-(-len(requests) // limits.requests), -(-size // limits.bytes)),
        tokens=count_tokens(
            provider=provider,
            sample=sample,
            volume=volume,
            history=Submission.objects.filter(run_uuid__in=same),
            guessed_output=USUAL_OUTPUT,
        ),
    )
