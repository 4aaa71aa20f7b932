"""The ledger for leads: to look at, never to change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.review.models import Decision, Lot
from apps.specs.project_admin import ProjectAdmin


class ReadOnlyAdmin(ProjectAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("record", "action", "reviewer", "method", "decided_at", "is_undone")
    list_filter = ("project", "action", "method", "reviewer")
    list_select_related = ("record", "reviewer", "undo")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # A lead may be the one who gives the second opinion.
        return super().get_queryset(request).filter(pk__in=Decision.objects.disclosed().values("pk"))

    @admin.display(boolean=True, description="undone")
    def is_undone(self, decision: Decision) -> bool:
        return hasattr(decision, "undo")


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "project",
        "gap",
        "status",
        "opened",
        "accepted",
        "edited",
        "rejected",
        "flagged",
    )
    list_filter = ("project", "gap", "status")
    list_select_related = ("project", "gap")
