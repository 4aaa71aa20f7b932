"""Every address of the site. What belongs to a project stands under ``/p/<project>/``."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from apps.reports.views import home

project_urls = [
    # Before the reports: "gaps/new/" is a form, "gaps/<slug>/" a page.
    path("", include("apps.specs.urls")),
    path("", include("apps.reports.urls")),
    path("import/", include("apps.intake.urls")),
    path("holdout/", include("apps.holdout.urls")),
    path("", include("apps.generation.urls")),
    path("review/", include("apps.review.urls")),
    path("releases/", include("apps.datasets.urls")),
    path("evaluate/", include("apps.evaluation.urls")),
]

urlpatterns = [
    path("", home, name="home"),
    path("", include("apps.accounts.urls")),
    path("p/<slug:project>/", include(project_urls)),
    path("admin/", admin.site.urls),
]

handler400 = "apps.core.error_pages.bad_request"
handler403 = "apps.core.error_pages.forbidden"
handler404 = "apps.core.error_pages.not_found"
handler500 = "apps.core.error_pages.server_error"
