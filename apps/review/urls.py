from __future__ import annotations

from django.urls import path

from apps.review import views

app_name = "review"
urlpatterns = [
    path("", views.room, name="room"),
    path("claim/", views.claim, name="claim"),
    path("decide/", views.decide, name="decide"),
    path("undo/", views.undo, name="undo"),
    path("skip/", views.skip, name="skip"),
    path("skips/forget/", views.forget_skips, name="skips-forget"),
    path("draft/", views.draft, name="draft"),
    path("renew/", views.renew, name="renew"),
    path("release/", views.release, name="release"),
    path("keys/", views.keys, name="keys"),
    path("tasks/<int:task>/edit/", views.edit, name="edit"),
    path("flags/", views.flag_list, name="flag-list"),
    path("flags/<int:record>/", views.flag_answer, name="flag-answer"),
]
