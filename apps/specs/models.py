"""What a project is about: its members, its spec and label guide, its gaps, and the seal of its holdout."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from apps.accounts.models import User


class Role(models.TextChoices):
    REVIEWER = "reviewer"
    LEAD = "lead"
    MANAGER = "manager"
    ADMIN = "admin"


class Commonness(models.TextChoices):
    """How often a label occurs in real traffic; frozen with the holdout."""

    COMMON = "common"
    OTHER = "other"
    RARE = "rare"


NOTED_ACTIONS = ("accepted", "edited", "rejected")


def check_noted_actions(value: object) -> None:
    """Decisions that need a note, by name."""
    if not isinstance(value, list) or any(each not in NOTED_ACTIONS for each in value):
        raise ValidationError(f"A list of these: {', '.join(NOTED_ACTIONS)}.")


class Standing(models.TextChoices):
    GOVERNED = "governed"
    SANDBOX = "sandbox"


class VersionStatus(models.TextChoices):
    DRAFT = "draft"
    PUBLISHED = "published"


def default_reject_reasons() -> list[dict[str, str]]:
    return [
        {"code": "wrong_label", "text": "Wrong label"},
        {"code": "too_clean", "text": "Too clean"},
        {"code": "answer_given_away", "text": "Answer given away by the wording"},
        {"code": "unrealistic", "text": "Not realistic"},
        {"code": "factually_wrong", "text": "Factually wrong"},
        {"code": "overconfident", "text": "Surer than its text allows"},
        {"code": "duplicate", "text": "Too close to another record"},
        {"code": "personal_data", "text": "Contains personal data"},
        {"code": "unclear", "text": "Unclear"},
        {"code": "other", "text": "Other, with a note"},
    ]


def default_release_policy() -> dict[str, object]:
    """``admit``: review methods a release takes; ``real``: share of real train rows mixed in (0 to 1);
    ``splits``: shares of ``eval_split``, summing to 1."""
    return {"admit": ["person", "validator"], "real": 1.0, "splits": {"train": 1.0}}


class ProjectQuerySet(models.QuerySet["Project"]):
    def of_member(self, user: User) -> ProjectQuerySet:
        return self.filter(memberships__user=user)


class Project(models.Model):
    """One task being improved."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=140, unique=True)
    task_type = models.CharField(max_length=40)
    standing = models.CharField(max_length=20, choices=Standing, default=Standing.GOVERNED)
    blind_review = models.BooleanField(default=False, help_text="Hide prompt and model from reviewers.")
    reject_reasons = models.JSONField(default=default_reject_reasons)
    note_required = models.JSONField(
        default=list,
        blank=True,
        validators=[check_noted_actions],
        help_text='Decisions that need a note: any of ["accepted", "edited", "rejected"].',
    )
    release_policy = models.JSONField(default=default_release_policy)
    review_rules = models.JSONField(
        default=dict, blank=True, help_text="What is reviewed twice or by known answers; empty: nothing."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(standing__in=Standing.values), name="project_standing")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_sandbox(self) -> bool:
        return self.standing == Standing.SANDBOX

    def published_spec(self) -> Spec | None:
        return self.specs.filter(status=VersionStatus.PUBLISHED).order_by("-version").first()

    def published_guide(self) -> LabelGuide | None:
        return self.guides.filter(status=VersionStatus.PUBLISHED).order_by("-version").first()

    def active_seal(self) -> HoldoutSeal | None:
        return self.seals.filter(retired_at=None).first()


class Membership(models.Model):
    """What one person may do in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    roles = models.JSONField(default=list, help_text='A list, for example ["reviewer", "lead"].')
    paused_at = models.DateTimeField(
        null=True, blank=True, help_text="Until a lead lets them go on reviewing."
    )
    paused_why = models.CharField(max_length=300, blank=True)
    paused_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="one_membership_per_person")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {', '.join(self.roles)}"

    def has_any(self, roles: frozenset[str]) -> bool:
        return not roles.isdisjoint(self.roles)


class Spec(models.Model):
    """One version of what a record must be. A published version never changes (trigger)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="specs")
    version = models.PositiveIntegerField(help_text="Exported as schema_version.")
    status = models.CharField(max_length=20, choices=VersionStatus, default=VersionStatus.DRAFT)
    task = models.TextField(
        help_text="What the model has to do, in the words given to people and generators."
    )
    output_schema = models.JSONField(
        default=dict, blank=True, help_text="JSON Schema; empty: the task type's own."
    )
    rejected_formats = models.TextField(blank=True)
    edge_cases = models.TextField(blank=True)
    source_fields = models.JSONField(default=list, blank=True)
    pass_criteria = models.TextField(blank=True)
    min_chars = models.PositiveIntegerField(default=3)
    max_chars = models.PositiveIntegerField(default=4000)
    forbidden_tokens = models.JSONField(default=list, blank=True)
    teacher_bar = models.FloatField(
        default=0.8,
        help_text="Share of real examples that a generator must answer right before its first large run.",
    )
    pilot_size = models.PositiveIntegerField(
        default=150,
        help_text="A larger run of a network generator needs a reviewed pilot of the same prompt and model.",
    )
    checks = models.JSONField(
        default=dict,
        blank=True,
        help_text='Switches and thresholds by check, e.g. {"near_duplicate": {"block": 0.9}}.',
    )
    audited_share = models.FloatField(
        "accept what is proven, audit share",
        null=True,
        blank=True,
        help_text=(
            "Records whose every output field a check has proven are accepted without people, except for this "
            "share (0.05 to 1), which people audit. Empty: people decide everything."
        ),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="spec_version_once"),
            models.UniqueConstraint(fields=["project"], condition=Q(status="draft"), name="one_spec_draft"),
            models.CheckConstraint(condition=Q(status__in=VersionStatus.values), name="spec_status"),
            models.CheckConstraint(
                condition=Q(teacher_bar__gte=0, teacher_bar__lte=1), name="spec_teacher_bar_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(min_chars__lte=models.F("max_chars")), name="spec_length_bounds"
            ),
            models.CheckConstraint(
                condition=Q(audited_share=None) | Q(audited_share__gte=0.05, audited_share__lte=1),
                name="spec_audited_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} spec v{self.version}"


class LabelGuide(models.Model):
    """One version of the labels and their definitions. A published version never changes (trigger)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guides")
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=VersionStatus, default=VersionStatus.DRAFT)
    introduction = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    content_hash = models.CharField(
        max_length=64, blank=True, help_text="Over names and definitions, once published."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="guide_version_once"),
            models.UniqueConstraint(fields=["project"], condition=Q(status="draft"), name="one_guide_draft"),
            models.CheckConstraint(condition=Q(status__in=VersionStatus.values), name="guide_status"),
        ]

    def __str__(self) -> str:
        return f"{self.project} label guide v{self.version}"


class Label(models.Model):
    """One label of a guide: what it means, what counts, what does not."""

    guide = models.ForeignKey(LabelGuide, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=120)
    definition = models.TextField(blank=True)
    counts = models.JSONField(default=list, blank=True, help_text="What counts: a list of sentences.")
    does_not_count = models.JSONField(
        default=list, blank=True, help_text="What does not, and where it goes instead."
    )
    commonness = models.CharField(max_length=10, choices=Commonness, blank=True)
    is_rejected = models.BooleanField(default=False, help_text="Known, but not allowed in a record.")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["guide", "name"], name="label_name_once"),
            models.CheckConstraint(
                condition=Q(commonness__in=["", *Commonness.values]), name="label_commonness"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LabelExample(models.Model):
    """An example of a label. A real one becomes a seed record, so a generator may see it.

    A case that a lead decided in review is for people alone: its text may be a generator's.
    """

    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="examples")
    text = models.TextField()
    record_uuid = models.UUIDField(null=True, blank=True, help_text="The record it was taken from.")
    is_case = models.BooleanField(default=False, help_text="A decided case: no real text, never a seed.")
    says = models.TextField(blank=True, help_text="What was decided about the case, and why.")

    def __str__(self) -> str:
        return self.text[:60]


class GapStatus(models.TextChoices):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class GapQuerySet(models.QuerySet["Gap"]):
    def registered(self) -> GapQuerySet:
        """Gaps whose slice is locked: open or closed ones."""
        return self.exclude(slice_hash="")


class Gap(models.Model):
    """A named hole in what the model can do."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="gaps")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=140)
    status = models.CharField(max_length=20, choices=GapStatus, default=GapStatus.DRAFT)
    target_labels = models.JSONField(default=list)
    why = models.TextField(
        blank=True, help_text="The evidence: dev or cross-validation figures, never the holdout."
    )
    target_count = models.PositiveIntegerField(default=200)
    axes = models.JSONField(
        default=dict, blank=True, help_text='What to vary: {"tone": ["angry", "polite"], …}.'
    )
    realism = models.JSONField(
        default=list,
        blank=True,
        help_text='What realism to demand: ["typos", "fragments", "pasted_mail", …].',
    )
    slice_predicate = models.JSONField(default=dict, blank=True, help_text="Over frozen holdout attributes.")
    slice_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    opened_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = GapQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="gap_name_once"),
            models.UniqueConstraint(fields=["project", "slug"], name="gap_slug_once"),
            models.CheckConstraint(condition=Q(status__in=GapStatus.values), name="gap_status"),
        ]

    def __str__(self) -> str:
        return self.name


class HoldoutSeal(models.Model):
    """What everyone may know of a frozen holdout: that it exists, when, under which hash and rule. Never a text."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="seals")
    holdout_uuid = models.UUIDField(unique=True)
    content_hash = models.CharField(max_length=64)
    row_count = models.PositiveIntegerField()
    commonness = models.JSONField(help_text="label → common, other or rare, as frozen.")
    label_counts = models.JSONField(help_text="label → rows.")
    guide_version = models.PositiveIntegerField()
    guide_hash = models.CharField(max_length=64)
    delta = models.FloatField(help_text="Largest loss on the common labels that is tolerated, as a share.")
    alpha = models.FloatField(help_text="One-sided, before it is divided by the looks.")
    looks = models.PositiveIntegerField()
    sealed_at = models.DateTimeField()
    sealed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=Q(retired_at=None), name="one_active_seal"),
        ]

    def __str__(self) -> str:
        return f"seal {self.content_hash[:12]} of {self.project}"
