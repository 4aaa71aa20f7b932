"""Connections, families, prices and budgets. What every project shares is for those who administrate one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.core.errors import DomainError
from apps.providers import provider_of
from apps.specs.models import Membership, Role
from apps.specs.project_admin import ProjectAdmin, actor_of
from apps.submissions.connections import key_variable, save_connection
from apps.submissions.forms import ConnectionForm
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
            settings=obj.settings,
            family=form.cleaned_data["family"],
            is_enabled=obj.is_enabled,
            connection=obj,
        )


@admin.register(ModelFamily)
class ModelFamilyAdmin(InstallationAdmin):
    list_display = ("name", "prefixes")


@admin.register(Price)
class PriceAdmin(InstallationAdmin):
    list_display = ("model", "provider", "is_batch", "input", "output", "cached_input", "as_of", "source")
    list_filter = ("provider", "is_batch")
    exclude = ("entered_by",)
    ordering = ("provider", "model", "-as_of")

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:  # noqa: FBT001
        obj.entered_by = actor_of(request)
        super().save_model(request, obj, form, change)


@admin.register(Budget)
class BudgetAdmin(ProjectAdmin):
    list_display = ("project", "total_cap", "month_cap", "reserved", "spent")
    readonly_fields = ("reserved", "spent")

    @admin.display(description="reserved (US dollars, all time)")
    def reserved(self, budget: Budget) -> str:
        return str(_all_time(budget).reserved)

    @admin.display(description="spent (US dollars, all time)")
    def spent(self, budget: Budget) -> str:
        return str(_all_time(budget).spent)


def _all_time(budget: Budget) -> Spending:
    if not budget.project_id:
        return Spending()
    return Spending.objects.filter(project=budget.project_id, period=Spending.TOTAL).first() or Spending()
