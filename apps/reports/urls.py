from __future__ import annotations

from django.urls import path

from apps.reports import check_views, judge_views, lot_views, recall_views, recheck_views, views

app_name = "reports"
urlpatterns = [
    path("", views.project_home, name="project-home"),
    path("records/", views.record_list, name="record-list"),
    path("reports/red-team/", views.red_team, name="red-team"),
    path("checks/", check_views.check_list, name="check-list"),
    path("checks/<slug:check_name>/look-again/", recheck_views.recheck_start, name="recheck-start"),
    path("checks/again/<uuid:uuid>/", recheck_views.recheck_detail, name="recheck-detail"),
    path("checks/again/<uuid:uuid>/apply/", recheck_views.recheck_apply, name="recheck-apply"),
    path("checks/again/<uuid:uuid>/discard/", recheck_views.recheck_discard, name="recheck-discard"),
    path("judges/", judge_views.judge_list, name="judge-list"),
    path("judges/new/", judge_views.judge_new, name="judge-new"),
    path("judges/<int:pk>/", judge_views.judge_detail, name="judge-detail"),
    path("judges/<int:pk>/versions/new/", judge_views.judge_version_new, name="judge-version-new"),
    path("judges/<int:pk>/switch/", judge_views.judge_switch, name="judge-switch"),
    path("judges/<int:pk>/ask/", judge_views.judge_ask, name="judge-ask"),
    path("judges/askings/<int:pk>/give-up/", judge_views.asking_give_up, name="asking-give-up"),
    path("judges/doubts/<int:pk>/settle/", judge_views.doubt_settle, name="doubt-settle"),
    path("records/dropped/", check_views.dropped, name="dropped"),
    path("lots/", lot_views.lot_list, name="lot-list"),
    path("lots/<int:pk>/", lot_views.lot_show, name="lot-detail"),
    path("lots/<int:pk>/pile/", lot_views.pile_change, name="pile-change"),
    path("lots/<int:pk>/plan/", lot_views.plan_start, name="plan-start"),
    path("lots/<int:pk>/batch/", lot_views.batch_start, name="batch-start"),
    path("lots/<int:pk>/batches/", lot_views.batch_follow, name="batch-follow"),
    path("lots/plans/<int:pk>/stop/", lot_views.plan_stop, name="plan-stop"),
    path("lots/pauses/<int:pk>/lift/", lot_views.pause_lift, name="pause-lift"),
    path("records/recalls/", recall_views.recall_list, name="recall-list"),
    path("records/recalls/start/", recall_views.recall_start, name="recall-start"),
    path("records/<int:pk>/undrop/", check_views.record_undrop, name="record-undrop"),
    path("records/<int:pk>/repair/", check_views.record_repair, name="record-repair"),
    path("records/<int:pk>/", views.record_detail, name="record-detail"),
    path("runs/<int:pk>/", views.run_detail, name="run-detail"),
    path("models/", views.models, name="models"),
    path("gaps/<slug:slug>/", views.gap_detail, name="gap-detail"),
    path("reports/provenance/", views.provenance, name="provenance"),
    path("reports/provenance.csv", views.provenance_csv, name="provenance-csv"),
]
