"""The registry of checks. A task type names those that make sense for it, cheapest first."""

from __future__ import annotations

from apps.validation.checks.adversarial import AdversarialCheck
from apps.validation.checks.answer_in_text import AnswerInTextCheck
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.checks.boilerplate import BoilerplateCheck
from apps.validation.checks.citations import CitationsCheck
from apps.validation.checks.duplicates import ExactDuplicateCheck, NearDuplicateCheck
from apps.validation.checks.encoding import EncodingCheck
from apps.validation.checks.executable_tests import ExecutableTestsCheck
from apps.validation.checks.forbidden import ForbiddenCheck
from apps.validation.checks.format import FormatCheck
from apps.validation.checks.labels import LabelCheck
from apps.validation.checks.language import LanguageCheck
from apps.validation.checks.leakage import LeakageCheck
from apps.validation.checks.length import LengthCheck
from apps.validation.checks.negatives import NegativesCheck
from apps.validation.checks.realism import RealismCheck
from apps.validation.checks.rules import RulesCheck
from apps.validation.checks.schema import SchemaCheck
from apps.validation.checks.sensitive import PersonalDataCheck, SecretsCheck
from apps.validation.checks.spans import SpansCheck
from apps.validation.checks.tool_arguments import ToolArgumentsCheck
from apps.validation.checks.tool_outcome import ToolOutcomeCheck
from apps.validation.checks.turns import TurnsCheck
from apps.validation.checks.values import ValuesCheck

REGISTRY: dict[str, Check] = {
    "schema": SchemaCheck(),
    "label": LabelCheck(),
    "values": ValuesCheck(),
    "format": FormatCheck(),
    "spans": SpansCheck(),
    "turns": TurnsCheck(),
    "negatives": NegativesCheck(),
    "tool_arguments": ToolArgumentsCheck(),
    "length": LengthCheck(),
    "encoding": EncodingCheck(),
    "forbidden": ForbiddenCheck(),
    "boilerplate": BoilerplateCheck(),
    "answer_in_text": AnswerInTextCheck(),
    "citations": CitationsCheck(),
    "rules": RulesCheck(),
    "exact_duplicate": ExactDuplicateCheck(),
    "secrets": SecretsCheck(),
    "personal_data": PersonalDataCheck(),
    "leakage": LeakageCheck(),
    "near_duplicate": NearDuplicateCheck(),
    "language": LanguageCheck(),
    "realism": RealismCheck(),
    "adversarial": AdversarialCheck(),
    "tool_outcome": ToolOutcomeCheck(),
    "executable_tests": ExecutableTestsCheck(),
}


def final_checks() -> list[str]:
    """Checks whose drops stay dropped."""
    return [check.name for check in REGISTRY.values() if check.is_final]


def repairable_checks() -> list[str]:
    """Checks whose finding may go to a generator, for one more try."""
    return [check.name for check in REGISTRY.values() if check.is_repairable]


__all__ = [
    "REGISTRY",
    "Batch",
    "Check",
    "FindingData",
    "Findings",
    "Item",
    "final_checks",
    "repairable_checks",
]
