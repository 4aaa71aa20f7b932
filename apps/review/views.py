"""The review room. Reads are GET and write nothing; everything that takes, decides or keeps is POST."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import RefusedError
from apps.records.models import Record
from apps.review import flags, leases
from apps.review.allowance import Purpose, spend
from apps.review.answers import cards_json, json_errors, progress_json, queue_json, wants_json
from apps.review.cards import cards_of
from apps.review.decisions import decide as decide_task
from apps.review.drafts import save_draft
from apps.review.forms import (
    DecisionForm,
    FlagForm,
    KeysForm,
    LeaseForm,
    TaskForm,
    UndoForm,
    claim_values,
    cleaned,
)
from apps.review.models import Action, Decision, Draft, ReviewTask
from apps.review.payloads import EditRefusedError, check_edit, current_payload, diff_of, record_schema
from apps.review.record_forms import RecordForm
from apps.review.selectors import flag_page, progress_of, queue_state, room_page
from apps.review.undo import undo as undo_decision
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role
