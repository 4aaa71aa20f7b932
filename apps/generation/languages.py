"""The languages that prompts are written in. Each provider reads one; a prompt says which it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from apps.core.errors import RefusedError
from apps.core.strict_json import JsonValue
from apps.generation.models import PromptLanguage
from apps.providers.rules_phrases import NOISE_KINDS, parse_phrases

LONGEST_TEMPLATE = 200_000


@dataclass(frozen=True, kw_only=True)
class PromptContext:
    """What a template may speak about; the same for every request of one label and one combination of axes."""

    task: str
    label: str
    definition: str
    counts: tuple[str, ...]
    does_not_count: tuple[str, ...]
    axes: Mapping[str, str]
    realism: tuple[str, ...]
    seeds: tuple[str, ...]
    count: int
    record: str
    answer: str
    labels: Mapping[str, str] = field(default_factory=dict)
    hard_cases: tuple[str, ...] = ()
    source: str = ""
    finding: str = ""

    def replaced(self, **changes: Any) -> PromptContext:
        return replace(self, **changes)


@dataclass(frozen=True)
class Rendered:
    prompt: JsonValue
    shows_seeds: bool
    """Whether the seeds are part of the request: only then are they its provenance."""


Renderer = Callable[[PromptContext], Rendered]


@dataclass(frozen=True)
class Hint:
    """A word that a template may use, and what it does."""

    word: str
    meaning: str


class Language(Protocol):
    title: str
    starter: str
    """What an empty editor begins with."""
    hints: tuple[Hint, ...]

    def compile(self, template: str, *, labels: tuple[str, ...] = ()) -> Renderer:
        """A renderer for ``template``. RefusedError names every problem with its place.

        ``labels`` are those of the published guide; a template that speaks of others is refused.
        """


class PhraseLanguage:
    """Patterns, slots and noise for the ``rules`` provider."""

    title = "Phrases"
    starter = """\
# Write as customers write: small letters, loose ends. A label without phrases is made from its seed examples.
labels: {}
#  some_label:
#    patterns: ["{opening} {fact}. {ask}"]
#    slots:
#      opening: ["hi", "hello,"]
#      fact: ["what happened, in their words"]
#      ask: ["what they want"]
noise: {typos: 0.25, fragments: 0.15, abbreviations: 0.25, casing: 0.25}
"""
    hints: tuple[Hint, ...] = (
        Hint("patterns", "Texts with {slot} places; one is chosen for each record."),
        Hint("slots", "For each name, the phrases that may stand there."),
        Hint("record", "What a record looks like, where it is more than a text and a label: {text}, {slot}."),
        Hint("aside, contradiction", "Slots that are added now and then, even where no pattern names them."),
        Hint("confusable", "Sentences that writers of other labels use as well: share, phrases."),
        Hint("noise", f"Share of records that get each kind: {', '.join(NOISE_KINDS)}."),
        Hint("gap axes", "tone, length, channel and noise of the gap bend the text; others are remembered."),
    )

    def compile(self, template: str, *, labels: tuple[str, ...] = ()) -> Renderer:
        phrases = parse_phrases(template, known_labels=labels)

        def render(context: PromptContext) -> Rendered:
            prompt = phrases.prompt_for(context.label)
            return Rendered(prompt, shows_seeds=not prompt["patterns"])

        return render


class JinjaLanguage:
    """Sandboxed Jinja with strict undefined, for providers that read text."""

    title = "Jinja"
    starter = """\
Write {{ count }} customer messages for the label {{ label }}: {{ definition }}
{% for seed in seeds %}Real example: {{ seed }}
{% endfor %}{% for name, value in axes.items() %}{{ name }}: {{ value }}
{% endfor %}{{ record }} {{ answer }}
"""
    hints: tuple[Hint, ...] = (
        Hint("task", "What the model to be trained has to do."),
        Hint("label, definition", "The label to write for, and what the guide says of it."),
        Hint("counts, does_not_count", "Lists of sentences from the guide."),
        Hint("axes, realism", "This request's combination of the gap's axes; what realism it demands."),
        Hint("seeds", "Texts of real seed rows. Train rows are never shown."),
        Hint("count", "How many records this request asks for."),
        Hint("record, answer", "What a record looks like, which labels there are."),
        Hint("labels", "Every label with its definition: {% for name, definition in labels.items() %}."),
        Hint("hard_cases", "What a lead has taken of the edge cases that a model proposed."),
        Hint("source", "To paraphrase, label or repair: the text or record that it is about."),
        Hint("finding", "To repair: what the check says."),
    )

    def __init__(self) -> None:
        self._environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)

    def compile(self, template: str, *, labels: tuple[str, ...] = ()) -> Renderer:
        try:
            used = meta.find_undeclared_variables(self._environment.parse(template))
            compiled = self._environment.from_string(template)
        except TemplateSyntaxError as error:
            raise RefusedError(
                "The prompt is not valid Jinja:", [f"line {error.lineno}: {error.message}"]
            ) from error
        known = set(PromptContext.__dataclass_fields__)
        if unknown := sorted(used - known):
            raise RefusedError(
                "The prompt cannot be used:",
                [f"{{{{ {name} }}}} is not known; there is {', '.join(sorted(known))}" for name in unknown],
            )

        def render(context: PromptContext) -> Rendered:
            try:
                text = compiled.render(**_values(context))
            except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
                raise RefusedError("The prompt cannot be rendered:", [str(error)]) from error
            return Rendered(text, shows_seeds="seeds" in used)

        render(SAMPLE)
        return render


def _values(context: PromptContext) -> dict[str, Any]:
    return asdict(context) | {"axes": dict(context.axes), "labels": dict(context.labels)}


# Rendered once when a version is saved, so that a mistake shows there and not in the middle of a run.
SAMPLE = PromptContext(
    task="Find the label of the text.",
    label="some label",
    definition="What it means.",
    counts=("what counts",),
    does_not_count=("what does not",),
    axes={"tone": "polite"},
    realism=("typos",),
    seeds=("a real text",),
    count=5,
    record='A record is {"input": {"text": …}, "output": {"label": …}}.',
    answer="The label is one of: some label.",
    labels={"some label": "What it means."},
    hard_cases=("a hard case",),
    source="a text",
    finding="what is wrong",
)

LANGUAGES: dict[str, Language] = {
    PromptLanguage.PHRASES: PhraseLanguage(),
    PromptLanguage.JINJA: JinjaLanguage(),
}


def compile_template(language: str, template: str, *, labels: tuple[str, ...] = ()) -> Renderer:
    """A renderer for ``template``; RefusedError when it is too long or cannot be used."""
    if len(template) > LONGEST_TEMPLATE:
        raise RefusedError(
            "The prompt cannot be used:",
            [f"it has {len(template):,} characters, more than {LONGEST_TEMPLATE:,}"],
        )
    return LANGUAGES[language].compile(template, labels=labels)
