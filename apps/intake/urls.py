from __future__ import annotations

from django.urls import path

from apps.intake import views

app_name = "intake"
urlpatterns = [
    path("", views.import_new, name="import-new"),
    path("stage/", views.import_stage, name="import-stage"),
    path("unlabelled/", views.unlabelled_new, name="unlabelled-new"),
    path("guide/publish/", views.guide_publish, name="guide-publish"),
    path("<uuid:uuid>/", views.import_detail, name="import-detail"),
    path("<uuid:uuid>/columns/", views.import_map, name="import-map"),
    path("<uuid:uuid>/commit/", views.import_commit, name="import-commit"),
    path("<uuid:uuid>/discard/", views.import_discard, name="import-discard"),
    path("<uuid:uuid>/refused.csv", views.import_refused, name="import-refused"),
]
