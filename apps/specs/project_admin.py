"""The base of every admin page that shows a project's rows: members see their own projects and nothing else."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.errors import DomainError, RefusedError
from apps.specs.models import Membership, Project, Role


def actor_of(request: HttpRequest) -> User:
    """Who is acting; the admin lets nobody in who is not signed in."""
    return cast("User", request.user)


class ProjectAdmin(admin.ModelAdmin[Any]):
    """Scopes rows, filters and foreign-key choices to memberships with one of ``roles``.

    ``project_path`` is the lookup from the model to its project; ``is_frozen`` tells which rows nobody may change.
    """

    project_path = "project"
    roles = frozenset({Role.LEAD, Role.ADMIN})

    def projects_of(self, request: HttpRequest) -> list[int]:
        memberships = Membership.objects.filter(user__username=request.user.get_username())
        return [membership.project_id for membership in memberships if membership.has_any(self.roles)]

    def is_frozen(self, row: Any) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        path = f"{self.project_path}__in" if self.project_path else "pk__in"
        return super().get_queryset(request).filter(**{path: self.projects_of(request)})

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        # Django's own filter over a relation offers every row there is: the names of other people's projects.
        return [
            (name, admin.RelatedOnlyFieldListFilter) if self.model._meta.get_field(name).is_relation else name
            for name in self.list_filter
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # A row stays in its project: elsewhere its version and name may be taken.
        parent = self.project_path.split("__")[0]
        return [*self.readonly_fields, *([parent] if obj is not None and parent else [])]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        target = db_field.remote_field.model
        mine = self.projects_of(request)
        if target is Project:
            kwargs["queryset"] = Project.objects.filter(pk__in=mine)
        elif any(field.name == "project" for field in target._meta.get_fields()):
            kwargs["queryset"] = target._default_manager.filter(project__in=mine)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.projects_of(request))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.projects_of(request))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, obj) and not (obj is not None and self.is_frozen(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is not None and self.has_change_permission(request, obj)

    def _may(self, request: HttpRequest, obj: Model | None) -> bool:
        mine = self.projects_of(request)
        if obj is None:
            return bool(mine)
        return self.project_of(obj).pk in mine

    def project_of(self, obj: Any) -> Project:
        for name in self.project_path.split("__") if self.project_path else []:
            obj = getattr(obj, name)
        project: Project = obj
        return project

    def call_service(self, request: HttpRequest, said: str, service: Any) -> None:
        """Runs ``service`` and tells the person what it said: done, or what is missing."""
        try:
            service()
        except RefusedError as error:
            self.message_user(request, f"{error} {'; '.join(error.problems)}", messages.ERROR)
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, said, messages.SUCCESS)
