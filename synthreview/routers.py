"""Each walled app lives in the database of its own name; everything else in ``default``."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

WALLED = frozenset({"holdout", "leakage"})


class WallRouter:
    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return self._home(model._meta.app_label)

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return self._home(model._meta.app_label)

    def allow_relation(self, left: Model, right: Model, **hints: Any) -> bool:
        # No key crosses two databases: references across the wall are uuids.
        return self._home(left._meta.app_label) == self._home(right._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == self._home(app_label)

    def _home(self, app_label: str) -> str:
        return app_label if app_label in WALLED else "default"
