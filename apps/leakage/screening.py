"""Is this text, or a part of it, one of the protected ones? The answer names a rule and a place, no text.

Rules, strongest first: ``text``, the same whole text in canonical form; ``sentence``, a whole sentence of at
least four tokens; ``gram``, a run of 13 tokens, or a shorter protected text or sentence inside this one;
``near``, a text or sentence whose character 5-grams overlap by Jaccard ≥ 0.7. The first three are a leak;
near is a warning, because short texts are alike by nature.

Whoever may ask can learn by asking: the answer is an oracle. Show people yes or no, no figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

import numpy as np

from apps.core.text import tokens
from apps.leakage.fingerprints import GRAM_TOKENS, Fingerprinter, Reading, Span, Strictness, Tokens, windows
from apps.leakage.models import DigestKind
from apps.leakage.protected import Protected, ProtectedSet
from apps.leakage.snapshot import state_of
from apps.similarity.minhash import ShingleSet, band_key_table, jaccard, signatures

Outcome = Literal["clean", "near", "leak"]
Rule = Literal["", "text", "sentence", "gram", "near"]

NEAR_JACCARD = 0.7
# Characters taken apart at a time: bounds the memory, whatever is screened.
BATCH_CHARACTERS = 200_000
# Near texts share most bands, so the best sharers are verified and the long tail of chance is not.
MAX_CANDIDATES = 50


@dataclass(frozen=True)
class LeakVerdict:
    """What screening says of one text.

    ``span`` are character offsets in the screened text; None where the place cannot be told.
    ``item_uuids`` are protected rows, sorted: only whoever may read the holdout can resolve them.
    """

    outcome: Outcome = "clean"
    rule: Rule = ""
    span: tuple[int, int] | None = None
    item_uuids: tuple[UUID, ...] = ()
    is_same_up_to_case: bool = False
    """With rule ``text``: nothing but case (and white space around the text) differs, if that."""

    @property
    def is_clean(self) -> bool:
        return self.outcome == "clean"

    @property
    def is_leak(self) -> bool:
        return self.outcome == "leak"


CLEAN = LeakVerdict()


class Quotable(Protocol):
    """Texts that a screened text may quote, whatever in them is like a protected one."""

    def quoted_in(self, text: str) -> Sequence[str]:
        """Those that ``text`` quotes or is quoted from, in canonical form."""


def screen_texts(
    *,
    project_uuid: UUID,
    texts: Sequence[str],
    strictness: Strictness = "record",
    quotable: Quotable | None = None,
) -> list[LeakVerdict]:
    """One verdict per text, in order, against every protected corpus of the project.

    ``strictness="prompt"`` (prompts, request files) also looks for protected texts of five to seven tokens
    inside longer ones. ``quotable`` excuses no match of 13 tokens or more. The number of queries depends on the
    amount of text, not on the number of texts.
    """
    state = state_of(project_uuid)
    if not state:
        return [CLEAN] * len(texts)
    screen = _Screen(Fingerprinter(project_uuid), Protected(project_uuid, state), strictness, quotable)
    verdicts: dict[str, LeakVerdict] = {}
    for batch in _batches(dict.fromkeys(texts)):
        verdicts.update(zip(batch, screen.verdicts(batch), strict=True))
    return [verdicts[text] for text in texts]


@dataclass(frozen=True)
class _Lookup:
    """A digest of the screened text and where it was taken; ``place`` is evaluated for a hit only."""

    rule: Rule
    tokens: int
    folded: str
    digest: bytes
    place: Callable[[], tuple[int, int] | None]


_Run: TypeAlias = tuple[Span, str, bytes]
"""A run of tokens, what it says, and its digest."""


@dataclass(frozen=True)
class _Taken:
    """A text and what it is looked up by first."""

    reading: Reading
    wholes: list[bytes]
    """Digests of the whole text, then of its sentences; none of an empty text."""
    starts: list[int]
    """Tokens where a protected run may begin."""


class _Screen:
    def __init__(
        self,
        fingerprinter: Fingerprinter,
        protected: Protected,
        strictness: Strictness,
        quotable: Quotable | None,
    ) -> None:
        self.fingerprinter = fingerprinter
        self.protected = protected
        self.strictness = strictness
        self.quotable = quotable

    def verdicts(self, texts: Sequence[str]) -> list[LeakVerdict]:
        """In two rounds: whole texts, sentences and beginnings of runs; then the runs that begin somewhere."""
        taken = self._taken([Reading(text) for text in texts])
        known = self.protected.known({digest for own in taken for digest in own.wholes})
        verdicts = [CLEAN] * len(texts)
        met = [place for place, own in enumerate(taken) if own.starts or not known.isdisjoint(own.wholes)]
        for place, leak in zip(met, self._leaks([taken[place] for place in met], known), strict=True):
            verdicts[place] = leak
        rest = [place for place, verdict in enumerate(verdicts) if verdict.is_clean]
        for place, near in zip(rest, self._near([taken[place].reading for place in rest]), strict=True):
            verdicts[place] = near
        return verdicts

    def _taken(self, readings: Sequence[Reading]) -> list[_Taken]:
        prefixes = self.fingerprinter.prefixes([reading.tokens for reading in readings])
        begins = self.protected.known_prefixes(np.concatenate(prefixes))
        ends = accumulate(map(len, prefixes))
        return [
            _Taken(
                reading, self._whole_digests(reading), np.flatnonzero(begins[end - len(own) : end]).tolist()
            )
            for reading, own, end in zip(readings, prefixes, ends, strict=True)
        ]

    def _whole_digests(self, reading: Reading) -> list[bytes]:
        if not len(reading.tokens):
            return []
        digests = self.fingerprinter.digests
        sentences = [sentence.folded for _, sentence in reading.long_sentences]
        return [
            *digests(DigestKind.TEXT, [reading.tokens.folded]),
            *digests(DigestKind.SENTENCE, sentences),
        ]

    def _leaks(self, taken: Sequence[_Taken], known: AbstractSet[bytes]) -> list[LeakVerdict]:
        """``known`` are those of the whole digests that are somebody's."""
        runs = [self._runs(own) for own in taken]
        known = known | self.protected.known({digest for own in runs for *_, digest in own})
        asked = {digest for own in runs for *_, digest in own if digest in known}
        asked |= {digest for own in taken for digest in own.wholes if digest in known}
        asked |= {
            self.fingerprinter.case_digest(own.reading.text)
            for own in taken
            if not known.isdisjoint(own.wholes[:1])
        }
        items = self.protected.items_by_digest(asked)
        return [
            self._leak_in(own.reading, [*self._wholes(own, items), *_met(own.reading, met, items)], items)
            for own, met in zip(taken, runs, strict=True)
        ]

    def _wholes(self, taken: _Taken, items: Container[bytes]) -> Iterator[_Lookup]:
        """The whole text, then its sentences: those that are protected."""
        reading = taken.reading
        for number, digest in enumerate(taken.wholes, -1):
            if digest not in items:
                continue
            if number < 0:
                own = reading.tokens
                yield _Lookup("text", len(own), own.folded, digest, lambda: (0, len(reading.text)))
            else:
                _, own = reading.long_sentences[number]
                place = partial(_sentence_span, reading, number)
                yield _Lookup("sentence", len(own), own.folded, digest, place)

    def _runs(self, taken: _Taken) -> list[_Run]:
        """The runs that begin where a protected one may."""
        own = list(windows(taken.reading.tokens, taken.starts, self.strictness))
        digests = self.fingerprinter.digests(DigestKind.GRAM, [window for _, window in own])
        return [(*pair, digest) for pair, digest in zip(own, digests, strict=True)]

    def _leak_in(
        self, reading: Reading, lookups: Iterable[_Lookup], items: dict[bytes, set[UUID]]
    ) -> LeakVerdict:
        """The first of ``lookups``, strongest rule first, that nothing excuses."""
        for lookup in lookups:
            if not self._is_excused(reading, lookup):
                is_text = lookup.rule == "text"
                return LeakVerdict(
                    outcome="leak",
                    rule=lookup.rule,
                    span=lookup.place(),
                    item_uuids=tuple(sorted(items[lookup.digest])),
                    is_same_up_to_case=is_text and self.fingerprinter.case_digest(reading.text) in items,
                )
        return CLEAN

    def _is_excused(self, reading: Reading, lookup: _Lookup) -> bool:
        if lookup.tokens >= GRAM_TOKENS:
            return False
        return any(_holds(quote, lookup.folded) for quote in self._quoted_in(reading))

    def _quoted_in(self, reading: Reading) -> Sequence[str]:
        return self.quotable.quoted_in(reading.text) if self.quotable else ()

    def _near(self, readings: Sequence[Reading]) -> list[LeakVerdict]:
        units = [reading.near_units() for reading in readings]
        folded = dict.fromkeys(unit.folded for own in units for _, unit in own)
        near_of = self._near_by_unit(list(folded))
        return [
            self._near_verdict(reading, own, near_of) for reading, own in zip(readings, units, strict=True)
        ]

    def _near_by_unit(self, folded: Sequence[str]) -> dict[str, list[ProtectedSet]]:
        """The protected sentences near each of ``folded``; those that are near none are left out."""
        if not folded:
            return {}
        hashes = self.fingerprinter.hashes_of_many(folded)
        keys, empty = band_key_table(signatures(hashes), namespace=self.fingerprinter.namespace)
        candidates = self.protected.candidates(keys, ~empty, most=MAX_CANDIDATES)
        sets = self.protected.sets({pk for pks in candidates.values() for pk in pks})
        found = {}
        for place, pks in candidates.items():
            own = np.unique(hashes[place])
            if near := [sets[pk] for pk in pks if pk in sets and _are_near(own, sets[pk].shingles)]:
                found[folded[place]] = near
        return found

    def _near_verdict(
        self, reading: Reading, units: Sequence[tuple[str, Tokens]], near_of: dict[str, list[ProtectedSet]]
    ) -> LeakVerdict:
        """Of the first of ``units`` that is near something for a reason of its own."""
        for unit, own in units:
            near = near_of.get(own.folded)
            if near and (near := self._not_quoted(reading, own.folded, near)):
                start = reading.text.index(unit)
                uuids = tuple(sorted({item.uuid for item in near}))
                return LeakVerdict("near", "near", (start, start + len(unit)), uuids)
        return CLEAN

    def _not_quoted(self, reading: Reading, folded: str, near: list[ProtectedSet]) -> list[ProtectedSet]:
        """Those of ``near`` that ``folded`` is near to for another reason than the text it quotes."""
        quotes = self._quoted_in(reading)
        if any(_holds(quote, folded) for quote in quotes):
            return []
        own = [self.fingerprinter.shingles(quote) for quote in quotes if _holds(folded, quote)]
        return [item for item in near if not any(_are_near(quote, item.shingles) for quote in own)]


def _met(reading: Reading, runs: Iterable[_Run], items: Container[bytes]) -> Iterator[_Lookup]:
    for span, window, digest in runs:
        if digest in items:
            yield _Lookup("gram", span.count, window, digest, partial(_token_span, reading, span))


def _are_near(one: ShingleSet, other: ShingleSet) -> bool:
    return jaccard(one, other) >= NEAR_JACCARD


def _holds(text: str, part: str) -> bool:
    """Both in canonical form: ``part`` stands in ``text`` at the bounds of words."""
    return f" {part} " in f" {text} "


def _sentence_span(reading: Reading, number: int) -> tuple[int, int]:
    """Offsets of the long sentence ``number``: sentences are slices of the text, in order."""
    end = 0
    for sentence, _ in reading.long_sentences[: number + 1]:
        start = reading.text.index(sentence, end)
        end = start + len(sentence)
    return start, end


def _token_span(reading: Reading, span: Span) -> tuple[int, int] | None:
    """Offsets of the words that hold the tokens of ``span``."""
    seen, start = 0, None
    for word in re.finditer(r"\S+", reading.text):
        seen += len(tokens(word.group()))
        if start is None and seen > span.first:
            start = word.start()
        if start is not None and seen >= span.first + span.count:
            return start, word.end()
    return None


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
