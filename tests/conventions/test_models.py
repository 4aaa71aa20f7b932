"""The database itself knows the legal values of every status."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connections, models, router

DATABASES = ["default", "leakage", "holdout"]


def models_with_status() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
        and any(field.name == "status" for field in model._meta.local_fields)
    ]


def status_field(model: type[models.Model]) -> models.Field[str, str]:
    (field,) = [field for field in model._meta.local_fields if field.name == "status"]
    return field


def status_lists(model: type[models.Model]) -> dict[str, set[str]]:
    """Constraint name → values, for each CHECK of ``model`` that does nothing but list the statuses."""
    lists = {}
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint) and isinstance(constraint.condition, models.Q):
            match constraint.condition.children:
                case [("status__in", values)] if not constraint.condition.negated:
                    lists[constraint.name] = set(values)
    return lists


each_model = pytest.mark.parametrize("model", models_with_status(), ids=lambda model: model._meta.label)


def test_the_list_of_models_is_not_empty() -> None:
    assert len(models_with_status()) >= 8


@each_model
def test_a_status_has_a_check_on_exactly_its_values(model: type[models.Model]) -> None:
    choices = {value for value, _ in status_field(model).choices or ()}
    assert list(status_lists(model).values()) == [choices]


@pytest.mark.django_db(databases=DATABASES)
@each_model
def test_the_check_stands_in_the_database(model: type[models.Model]) -> None:
    connection = connections[router.db_for_read(model)]
    with connection.cursor() as cursor:
        standing = connection.introspection.get_constraints(cursor, model._meta.db_table)
    assert {name for name, about in standing.items() if about["check"]} >= set(status_lists(model))
