"""Projects, members and gaps for leads and admins. Opening calls a service."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.specs import services
from apps.specs.forms import MembershipForm
from apps.specs.models import Gap, GapStatus, Membership, Project, Role
from apps.specs.project_admin import ProjectAdmin, actor_of


@admin.register(Project)
class ProjectsAdmin(ProjectAdmin):
    project_path = ""
    roles = frozenset({Role.ADMIN})
    list_display = ("name", "task_type", "standing", "blind_review")
    readonly_fields = ("slug", "task_type", "standing")
    fields = (
        "name",
        "slug",
        "task_type",
        "standing",
        "blind_review",
        "reject_reasons",
        "note_required",
        "release_policy",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A project starts with its task type and first admin: `manage.py create_project`, or the projects page.
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(ProjectAdmin):
    form = MembershipForm
    roles = frozenset({Role.ADMIN})
    list_display = ("user", "project", "roles")
    list_filter = ("project",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), *(["user"] if obj is not None else [])]

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:  # noqa: FBT001
        saved = services.set_member(
            project=obj.project, user=obj.user, roles=obj.roles, actor=actor_of(request)
        )
        obj.pk = saved.pk


@admin.register(Gap)
class GapAdmin(ProjectAdmin):
    list_display = ("name", "project", "status", "target_count")
    list_filter = ("project", "status")
    readonly_fields = ("slug", "status", "slice_predicate", "slice_hash", "opened_at", "opened_by")
    actions = ("open",)

    def is_frozen(self, row: Gap) -> bool:
        return row.status != GapStatus.DRAFT

    def save_model(self, request: HttpRequest, obj: Gap, form: Any, change: bool) -> None:  # noqa: FBT001
        if not obj.slug:
            obj.slug = services.free_gap_slug(project=obj.project, name=obj.name)
        super().save_model(request, obj, form, change)

    @admin.action(description="Open: register and lock the slice", permissions=["change"])
    def open(self, request: HttpRequest, queryset: QuerySet[Gap]) -> None:
        for gap in queryset:
            service = partial(services.open_gap, gap=gap, actor=actor_of(request))
            self.call_service(request, f"The gap {gap} is open and its slice is locked.", service)
