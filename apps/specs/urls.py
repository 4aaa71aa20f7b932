from __future__ import annotations

from django.urls import path

from apps.specs import views

app_name = "specs"
urlpatterns = [
    path("guide/", views.guide_detail, name="guide-detail"),
    path("guide/draft/", views.guide_draft, name="guide-draft"),
    path("gaps/", views.gap_list, name="gap-list"),
    path("gaps/new/", views.gap_new, name="gap-new"),
    path("gaps/<slug:slug>/open/", views.gap_open, name="gap-open"),
    path("gaps/<slug:slug>/close/", views.gap_close, name="gap-close"),
]
