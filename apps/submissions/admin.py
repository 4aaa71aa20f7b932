"""Connections, families, prices and budgets. What every project shares is for those who administrate one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.core.errors import DomainError
from apps.providers import provider_of
from apps.specs.models import Membership, Role
from apps.specs.project_admin import ProjectAdmin, actor_of
from apps.submissions.budgets import period_of
from apps.submissions.connections import key_variable, save_connection
from apps.submissions.forms import ConnectionForm, FamilyForm, PriceForm, setting_fields
from apps.submissions.models import Budget, Connection, ModelFamily, Price, Spending


class InstallationAdmin(admin.ModelAdmin[Any]):
    """For superusers and for whoever administrates a project: these rows belong to no project."""

    def _may(self, request: HttpRequest) -> bool:
        if request.user.is_superuser:
            return True
        memberships = Membership.objects.filter(user__username=request.user.get_username())
        return any(membership.has_any(frozenset({Role.ADMIN})) for membership in memberships)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request)


@admin.register(Connection)
class ConnectionAdmin(InstallationAdmin):
    form = ConnectionForm
    list_display = ("name", "title", "model", "family", "key", "is_enabled")
    list_filter = ("provider", "family", "is_enabled")
    list_select_related = ("family",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        # The form adds a field for each setting that a provider asks for; Django would look for them in the model.
        return super().get_form(request, obj, change, **(kwargs | {"fields": ConnectionForm.Meta.fields}))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            (None, {"fields": ConnectionForm.Meta.fields}),
            ("What some providers ask for besides", {"fields": tuple(setting_fields())}),
        ]

    @admin.display(description="provider")
    def title(self, connection: Connection) -> str:
        try:
            return provider_of(connection.provider).title
        except DomainError:
            return f"{connection.provider} (not known here)"

    @admin.display(description="key in the generation worker")
    def key(self, connection: Connection) -> str:
        return key_variable(connection) or "none needed"

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Records and submissions point to it: it is switched off, not deleted.
        return False

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:  # noqa: FBT001
        # What could be wrong has been said by the form.
        save_connection(
            name=obj.name,
            provider_key=obj.provider,
            model=obj.model,
            base_url=obj.base_url,
            key_name=obj.key_name,
            settings=form.cleaned_data["settings"],
            family=form.cleaned_data["family"],
            is_enabled=obj.is_enabled,
            connection=obj,
        )


@admin.register(ModelFamily)
class ModelFamilyAdmin(InstallationAdmin):
    form = FamilyForm
    list_display = ("name", "begins")

    @admin.display(description="names that begin with")
    def begins(self, family: ModelFamily) -> str:
        return ", ".join(map(str, family.prefixes))


@admin.register(Price)
class PriceAdmin(InstallationAdmin):
    form = PriceForm
    list_display = ("model", "provider", "is_batch", "input", "output", "cached_input", "as_of", "source")
    list_filter = ("provider", "is_batch")
    ordering = ("provider", "model", "-as_of")

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:  # noqa: FBT001
        obj.entered_by = actor_of(request)
        super().save_model(request, obj, form, change)


@admin.register(Budget)
class BudgetAdmin(ProjectAdmin):
    list_display = ("project", "total_cap", "all_time", "month_cap", "this_month")
    readonly_fields = ("all_time", "this_month")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        return super().get_queryset(request).select_related("project").prefetch_related("project__spendings")

    @admin.display(description="all time")
    def all_time(self, budget: Budget) -> str:
        return _in_words(budget, Spending.TOTAL)

    @admin.display(description="this month")
    def this_month(self, budget: Budget) -> str:
        return _in_words(budget, period_of(timezone.now()))


def _in_words(budget: Budget, period: str) -> str:
    """What the project has spent and reserved of ``period``; months begin and end in UTC."""
    spendings = budget.project.spendings.all() if budget.project_id else ()
    row = next((row for row in spendings if row.period == period), Spending())
    return f"${row.spent:,.2f} spent, ${row.reserved:,.2f} reserved"
