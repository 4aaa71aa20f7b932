"""The spec for leads. It stands here because publishing one asks the checks whether they can run on it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.specs.forms import OneDraftForm
from apps.specs.models import Spec, VersionStatus
from apps.specs.project_admin import ProjectAdmin, actor_of
from apps.validation.checks import REGISTRY
from apps.validation.models import Recheck
from apps.validation.settings_of_checks import problems_of, publish_spec


class SpecForm(OneDraftForm):
    """Refuses at saving what no check could run with."""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        # The project of a draft that is there already is not asked for again.
        project = values.get("project") or (self.instance.project if self.instance.pk else None)
        if "checks" in values and project is not None:
            given = {name: values[name] for name in values if hasattr(Spec, name)}
            written = Spec(**{**given, "project": project})
            for problem in problems_of(written):
                place = problem.partition(":")[0].partition("/")[0]
                field = place if place in ("output_schema", "audited_share") else "checks"
                self.add_error(field, forms.ValidationError(problem))
        return values


@admin.register(Spec)
class SpecAdmin(ProjectAdmin):
    form = SpecForm
    list_display = ("project", "version", "status", "published_at")
    list_filter = ("project", "status")
    readonly_fields = ("version", "status", "published_at", "published_by")
    actions = ("publish",)

    def is_frozen(self, row: Spec) -> bool:
        return row.status == VersionStatus.PUBLISHED

    def save_model(self, request: HttpRequest, obj: Spec, form: Any, change: bool) -> None:  # noqa: FBT001
        if not obj.version:
            obj.version = (
                obj.project.specs.order_by("-version").values_list("version", flat=True).first() or 0
            ) + 1
        super().save_model(request, obj, form, change)

    @admin.action(description="Publish", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Spec]) -> None:
        for spec in queryset:
            service = partial(publish_spec, spec=spec, actor=actor_of(request))
            self.call_service(request, f"{spec} is published; it never changes from now on.", service)
            for recheck in Recheck.objects.filter(spec=spec, by_itself=True):
                said = f"{REGISTRY[recheck.check_name].title} looks again at the records so far ({recheck.because})."
                self.message_user(request, said)
