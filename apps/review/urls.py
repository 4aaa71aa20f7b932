from __future__ import annotations

from django.urls import path, register_converter

from apps.review import bulk_views, group_views, quality_views, views
from apps.review.references import TaskConverter

register_converter(TaskConverter, "task")

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
    path("tasks/<task:task>/edit/", views.edit, name="edit"),
    path("tasks/<task:task>/rearrange/", views.rearrange, name="rearrange"),
    path("bulk/", bulk_views.bulk, name="bulk"),
    path("bulk/take/", bulk_views.bulk_take, name="bulk-take"),
    path("bulk/decide/", bulk_views.bulk_decide, name="bulk-decide"),
    path("flags/", views.flag_list, name="flag-list"),
    path("flags/<int:record>/", views.flag_answer, name="flag-answer"),
    path("mine/", quality_views.own, name="own"),
    path("mine/<uuid:decision>/undo/", quality_views.own_undo, name="own-undo"),
    path("quality/", quality_views.quality, name="quality"),
    path("quality/rules/", quality_views.quality_rules, name="quality-rules"),
    path("quality/gold/", quality_views.quality_gold, name="quality-gold"),
    path("quality/gold/<int:item>/out/", quality_views.quality_gold_out, name="quality-gold-out"),
    path("quality/people/<int:member>/", quality_views.quality_pause, name="quality-pause"),
    path("groups/", group_views.group_list, name="group-list"),
    path("groups/new/", group_views.group_create, name="group-create"),
    path("groups/<int:pk>/", group_views.group_change, name="group-change"),
    path("adjudication/", quality_views.adjudication_list, name="adjudication-list"),
    path("adjudication/<int:task>/", quality_views.adjudicate, name="adjudicate"),
    path("adjudication/<int:task>/take/", quality_views.adjudication_take, name="adjudication-take"),
    path("adjudication/cases/<uuid:verdict>/", quality_views.case_example, name="case-example"),
]
