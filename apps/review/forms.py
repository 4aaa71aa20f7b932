"""What the pages of the review room send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms

from apps.core.errors import DomainError
from apps.review.claiming import MAX_AT_ONCE, PILES
from apps.review.models import Action
from apps.review.references import task_id_of


class Words(forms.MultipleChoiceField):
    """Any number of words under one name; which of them are known is for the service to say."""

    def valid_value(self, value: str) -> bool:
        return True


class Numbers(forms.TypedMultipleChoiceField):
    """Any number of whole numbers under one name."""

    def __init__(self, coerce: Callable[[str], int] = int) -> None:
        super().__init__(coerce=coerce, required=False, empty_value=[])

    def valid_value(self, value: str) -> bool:
        return True


class TaskField(forms.IntegerField):
    """A task, by what stands for it in the page; cleaned, its number."""

    def clean(self, value: Any) -> int | None:
        reference = super().clean(value)
        return None if reference is None else task_id_of(reference)


class Tasks(Numbers):
    """Any number of tasks under one name, each as a TaskField has it."""

    def __init__(self) -> None:
        super().__init__(lambda value: task_id_of(int(value)))


class ClaimForm(forms.Form):
    """``want`` cards, none of those in ``have``."""

    want = forms.IntegerField(min_value=0, max_value=MAX_AT_ONCE, required=False)
    have = Tasks()


class TaskForm(forms.Form):
    """One task as the page holds it."""

    task = TaskField()
    fence = forms.IntegerField(min_value=0)


class DecisionForm(TaskForm, ClaimForm):
    """A decision, and how many cards to send back with the answer."""

    key = forms.UUIDField()
    action = forms.ChoiceField(choices=Action.choices)
    reason = Words(required=False)
    note = forms.CharField(required=False, strip=True)
    milliseconds = forms.IntegerField(min_value=0, required=False)


class SkipForm(TaskForm, ClaimForm):
    """A task to pass over, and how many cards to send back."""


class UndoForm(forms.Form):
    decision = forms.UUIDField()


class LeaseForm(forms.Form):
    """Tasks in hand, each with its fence at the same place; ``in_view`` is the one on the screen."""

    task = Tasks()
    fence = Numbers()
    in_view = TaskField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if len(cleaned.get("task", [])) != len(cleaned.get("fence", [])):
            raise forms.ValidationError("Every task needs its fence.")
        return cleaned

    def fences(self) -> dict[int, int]:
        return dict(zip(self.cleaned_data["task"], self.cleaned_data["fence"], strict=True))


class PileForm(forms.Form):
    """How many cards the bulk view shall show."""

    size = forms.TypedChoiceField(choices=[(size, str(size)) for size in PILES], coerce=int)


class PileDecisionForm(LeaseForm):
    """One answer for the cards in ``pick``, of those in hand."""

    key = forms.UUIDField()
    size = forms.IntegerField(min_value=1, max_value=max(PILES))
    action = forms.ChoiceField(choices=[(Action.ACCEPTED, "accepted"), (Action.REJECTED, "rejected")])
    pick = Tasks()
    reason = Words(required=False)
    note = forms.CharField(required=False, strip=True)

    def picked(self) -> dict[int, int]:
        """Task → fence of those that were picked."""
        fences = self.fences()
        return {task: fences[task] for task in self.cleaned_data["pick"] if task in fences}


class KeysForm(forms.Form):
    single_keys = forms.BooleanField(required=False)


class FlagForm(forms.Form):
    """A lead's answer to a flag."""

    take = forms.BooleanField(required=False)


def cleaned(form: forms.Form) -> Mapping[str, Any]:
    """The values of a form that no person filled in by hand: a wrong one is a broken request (400)."""
    if not form.is_valid():
        wrong = "; ".join(f"{name}: {' '.join(map(str, errors))}" for name, errors in form.errors.items())
        raise DomainError(f"This request cannot be read ({wrong}). Reload the page and try again.")
    return form.cleaned_data
