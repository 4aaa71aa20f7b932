"""Prompts, their immutable versions, and runs."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.specs.models import Gap, Project
from apps.submissions.models import Connection, Delivery


class PromptRole(models.TextChoices):
    GENERATE = "generate"
    EDGE_CASES = "edge_cases", "design edge cases"
    PARAPHRASE = "paraphrase"
    LABEL = "label"
    REPAIR = "repair"
    JUDGE = "judge"


class PromptLanguage(models.TextChoices):
    """What a template is written in; each provider reads one of them."""

    PHRASES = "phrases", "phrases (YAML)"
    JINJA = "jinja", "Jinja template"


class Prompt(models.Model):
    """A prompt's name; what it says is in its versions."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="prompts")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=PromptRole, default=PromptRole.GENERATE)
    language = models.CharField(max_length=20, choices=PromptLanguage, default=PromptLanguage.PHRASES)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="prompt_name_once"),
            models.CheckConstraint(condition=Q(language__in=PromptLanguage.values), name="prompt_language"),
        ]

    def __str__(self) -> str:
        return self.name


class PromptVersion(models.Model):
    """What a prompt says. Append-only (trigger): another wording is another version."""

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    template = models.TextField(help_text="Jinja for network providers; YAML patterns and slots for `rules`.")
    notes = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["prompt", "-version"]
        constraints = [models.UniqueConstraint(fields=["prompt", "version"], name="prompt_version_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Exported as ``prompt_version``."""
        return f"{self.prompt.name} v{self.version}"


class RunStatus(models.TextChoices):
    DRAFT = "draft"
    ESTIMATED = "estimated"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


S = RunStatus

MACHINE = Machine(
    "run",
    {
        S.DRAFT: frozenset({S.ESTIMATED}),
        S.ESTIMATED: frozenset({S.RUNNING, S.STOPPED}),
        S.RUNNING: frozenset({S.PAUSED, S.DONE, S.STOPPED}),
        S.PAUSED: frozenset({S.RUNNING, S.STOPPED}),
        S.DONE: frozenset(),
        S.STOPPED: frozenset(),
    },
)


class RunQuerySet(models.QuerySet["Run"]):
    def to_submit(self, now: datetime) -> RunQuerySet:
        """Started runs whose submissions are not all planned yet."""
        return self.filter(status=RunStatus.RUNNING, planned_at=None, next_attempt_at__lte=now)

    def to_finish(self) -> RunQuerySet:
        return self.filter(status=RunStatus.RUNNING, planned_at__isnull=False)


class Run(models.Model):
    """ "Make N records for this gap with this prompt and this model"."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="runs")
    gap = models.ForeignKey(Gap, on_delete=models.PROTECT, related_name="runs")
    prompt_version = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="runs")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="runs")
    status = models.CharField(max_length=20, choices=RunStatus, default=RunStatus.DRAFT)
    count = models.PositiveIntegerField(help_text="Records asked for.")
    seed = models.PositiveBigIntegerField(default=0, help_text="Makes an offline run repeatable.")
    delivery = models.CharField(
        max_length=20,
        choices=Delivery,
        default=Delivery.BATCH,
        help_text="How its requests reach the provider.",
    )
    needed_by = models.DateTimeField(null=True, blank=True, help_text="Decides between batch and one by one.")
    estimate = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField(
        null=True, blank=True, help_text="When its last submission was written down."
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(MACHINE, name="run_status"),
            models.CheckConstraint(condition=Q(count__gte=1), name="run_asks_for_something"),
        ]
        indexes = [
            models.Index(fields=["project", "-created_at"], name="run_of_project"),
            models.Index(fields=["status", "next_attempt_at"], name="run_due"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"
