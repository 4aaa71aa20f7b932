from __future__ import annotations

from django.urls import path

from apps.generation import views

app_name = "generation"
urlpatterns = [
    path("prompts/", views.prompt_list, name="prompt-list"),
    path("prompts/new/", views.prompt_new, name="prompt-new"),
    path("prompts/<int:pk>/", views.prompt_detail, name="prompt-detail"),
    path("prompts/<int:pk>/workbench/", views.workbench, name="workbench"),
    path("prompts/<int:pk>/try/", views.prompt_try, name="prompt-try"),
    path("trials/<int:pk>/", views.trial_detail, name="trial-detail"),
    path("trials/<int:pk>/stop/", views.trial_stop, name="trial-stop"),
    path("proposals/<int:pk>/decide/", views.proposal_decide, name="proposal-decide"),
    path("prompts/<int:pk>/versions/", views.version_new, name="version-new"),
    path("runs/", views.run_list, name="run-list"),
    path("runs/new/", views.run_new, name="run-new"),
    path("runs/<int:pk>/start/", views.run_start, name="run-start"),
    path("runs/<int:pk>/stop/", views.run_stop, name="run-stop"),
    path("models/choose/", views.role_choose, name="role-choose"),
    path("runs/<int:pk>/reason/", views.run_reason, name="run-reason"),
    path("runs/<int:pk>/teacher-check/", views.teacher_check, name="teacher-check"),
    path(
        "submissions/<int:pk>/resend-missing/",
        views.submission_resend_missing,
        name="submission-resend-missing",
    ),
    path("submissions/<int:pk>/resend/", views.submission_resend, name="submission-resend"),
    path("submissions/<int:pk>/abandon/", views.submission_abandon, name="submission-abandon"),
]
