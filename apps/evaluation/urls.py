from __future__ import annotations

from django.urls import path

from apps.evaluation import views

app_name = "evaluation"
urlpatterns = [
    path("", views.home, name="evaluation-home"),
    path("compare/", views.comparison_new, name="comparison-new"),
    path("compare/<uuid:uuid>/", views.comparison_detail, name="comparison-detail"),
    path("predictions/", views.predictions_new, name="predictions-new"),
    path("launch/", views.launch_new, name="launch-new"),
    path("launch/<uuid:uuid>/", views.launch_detail, name="launch-detail"),
    path("launch/<uuid:uuid>/slices.csv", views.launch_csv, name="launch-csv"),
    path("launch/<uuid:uuid>/scores.csv", views.launch_scores_csv, name="launch-scores-csv"),
]
