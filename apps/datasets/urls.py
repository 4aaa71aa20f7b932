from __future__ import annotations

from django.urls import path

from apps.datasets import views

app_name = "datasets"
urlpatterns = [
    path("", views.release_list, name="release-list"),
    path("new/", views.release_new, name="release-new"),
    path("<int:number>/", views.release_detail, name="release-detail"),
    path("<int:number>/rebuild/", views.release_rebuild, name="release-rebuild"),
    path("<int:number>/recalled/", views.release_recalled, name="release-recalled"),
    path("<int:number>/<str:name>", views.release_file, name="release-file"),
]
