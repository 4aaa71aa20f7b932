from __future__ import annotations

from django.urls import path

from apps.holdout import views

app_name = "holdout"
urlpatterns = [
    path("", views.holdout_detail, name="holdout-detail"),
    path("freeze/", views.holdout_freeze, name="holdout-freeze"),
    path("overlaps/drop/", views.overlaps_drop, name="overlaps-drop"),
    path("import/stage/", views.import_stage, name="import-stage"),
    path("import/<uuid:uuid>/", views.import_detail, name="import-detail"),
    path("import/<uuid:uuid>/columns/", views.import_map, name="import-map"),
    path("import/<uuid:uuid>/commit/", views.import_commit, name="import-commit"),
    path("import/<uuid:uuid>/discard/", views.import_discard, name="import-discard"),
    path("import/<uuid:uuid>/refused.csv", views.import_refused, name="import-refused"),
]
