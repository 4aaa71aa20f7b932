"""The label guide for leads. It stands here because publishing one turns its examples into seed rows."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.intake.examples import publish_guide
from apps.specs.forms import OneDraftForm
from apps.specs.models import Label, LabelExample, LabelGuide, VersionStatus
from apps.specs.project_admin import ProjectAdmin, actor_of


class LabelInline(admin.TabularInline[Label, LabelGuide]):
    model = Label
    extra = 0
    show_change_link = True
    fields = ("position", "name", "definition", "commonness", "is_rejected")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or obj.status == VersionStatus.DRAFT

    has_change_permission = has_delete_permission = has_add_permission

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class ExampleInline(admin.TabularInline[LabelExample, Label]):
    model = LabelExample
    extra = 1
    fields = ("text",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or obj.guide.status == VersionStatus.DRAFT

    has_change_permission = has_delete_permission = has_add_permission

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


@admin.register(LabelGuide)
class LabelGuideAdmin(ProjectAdmin):
    form = OneDraftForm
    list_display = ("project", "version", "status", "published_at")
    list_filter = ("project", "status")
    readonly_fields = ("version", "status", "published_at", "published_by", "content_hash")
    inlines = (LabelInline,)
    actions = ("publish",)

    def is_frozen(self, row: LabelGuide) -> bool:
        return row.status == VersionStatus.PUBLISHED

    def save_model(self, request: HttpRequest, obj: LabelGuide, form: Any, change: bool) -> None:  # noqa: FBT001
        if not obj.version:
            last = obj.project.guides.order_by("-version").values_list("version", flat=True).first()
            obj.version = (last or 0) + 1
        super().save_model(request, obj, form, change)

    @admin.action(description="Publish", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[LabelGuide]) -> None:
        for guide in queryset:
            service = partial(publish_guide, guide=guide, actor=actor_of(request))
            self.call_service(request, f"{guide} is published; it never changes from now on.", service)


@admin.register(Label)
class LabelAdmin(ProjectAdmin):
    """One label with its examples; reached from its guide."""

    project_path = "guide__project"
    list_display = ("name", "guide", "commonness")
    list_filter = ("guide",)
    inlines = (ExampleInline,)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        # A published guide takes no further label; the database refuses one.
        field.queryset = field.queryset.filter(status=VersionStatus.DRAFT)
        return field

    def is_frozen(self, row: Label) -> bool:
        return row.guide.status == VersionStatus.PUBLISHED
