"""Is this text, or a part of it, one of the protected ones? The answer names a rule and a place, no text.

Rules, strongest first: ``text``, the same whole text in canonical form; ``sentence``, a whole sentence of at
least four tokens; ``gram``, a run of 13 tokens, or a shorter protected text or sentence inside this one;
``near``, a text or sentence whose character 5-grams overlap by Jaccard ≥ 0.7. The first three are a leak;
near is a warning, because short texts are alike by nature.

Whoever may ask can learn by asking: the answer is an oracle. Show people yes or no, no figure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

import numpy as np

from apps.core.batches import batched
from apps.core.text import canonical, tokens
from apps.leakage.fingerprints import GRAM_TOKENS, Fingerprinter, Reading, Span, Strictness, windows
from apps.leakage.models import Digest, DigestKind, ProtectedCorpus, ShingleBand, ShingleSet
from apps.similarity.lookup import pairs_by_key, present
from apps.similarity.minhash import ShingleSet as Shingles
from apps.similarity.minhash import band_keys_of_many, jaccard, signatures

Outcome = Literal["clean", "near", "leak"]
Rule = Literal["", "text", "sentence", "gram", "near"]

NEAR_JACCARD = 0.7
IN_LIST = 500
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
    corpora = list(ProtectedCorpus.objects.filter(project_uuid=project_uuid).values_list("pk", flat=True))
    if not corpora:
        return [CLEAN] * len(texts)
    screen = _Screen(Fingerprinter(project_uuid), corpora, strictness, quotable)
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
class _Protected:
    """The shingles of one protected sentence."""

    uuid: UUID
    shingles: Shingles


class _Screen:
    def __init__(
        self,
        fingerprinter: Fingerprinter,
        corpora: list[int],
        strictness: Strictness,
        quotable: Quotable | None,
    ) -> None:
        self.fingerprinter = fingerprinter
        self.corpora = corpora
        self.strictness = strictness
        self.quotable = quotable

    def verdicts(self, texts: Sequence[str]) -> list[LeakVerdict]:
        """In two rounds: whole texts, sentences and beginnings of runs; then the runs that begin somewhere."""
        readings = [Reading(text) for text in texts]
        prefixes = [self.fingerprinter.prefixes(reading.tokens) for reading in readings]
        wholes = [list(self._wholes(reading)) for reading in readings]
        asked = {digest for own in prefixes for digest in own}
        asked |= {lookup.digest for own in wholes for lookup in own}
        asked |= {self.fingerprinter.case_digest(reading.text) for reading in readings}
        items = self._items_by_digest(asked)
        starts = [[first for first, digest in enumerate(own) if digest in items] for own in prefixes]
        runs = [self._runs(*pair) for pair in zip(readings, starts, strict=True)]
        items |= self._items_by_digest({digest for own in runs for _, _, digest in own})
        verdicts = [
            self._leak_in(reading, chain(own, _met(reading, met, items)), items)
            for reading, own, met in zip(readings, wholes, runs, strict=True)
        ]
        rest = [place for place, verdict in enumerate(verdicts) if verdict.is_clean]
        for place, near in zip(rest, self._near([readings[place] for place in rest]), strict=True):
            verdicts[place] = near
        return verdicts

    def _wholes(self, reading: Reading) -> Iterator[_Lookup]:
        """The whole text, then its sentences."""
        digest, own = self.fingerprinter.digest, reading.tokens
        if not len(own):
            return
        whole = digest(DigestKind.TEXT, own.folded)
        yield _Lookup("text", len(own), own.folded, whole, lambda: (0, len(reading.text)))
        for number, (_, sentence) in enumerate(reading.long_sentences):
            yield _Lookup(
                "sentence",
                len(sentence),
                sentence.folded,
                digest(DigestKind.SENTENCE, sentence.folded),
                partial(_sentence_span, reading, number),
            )

    def _runs(self, reading: Reading, starts: Sequence[int]) -> list[_Run]:
        own = list(windows(reading.tokens, starts, self.strictness))
        digests = self.fingerprinter.digests(DigestKind.GRAM, [window for _, window in own])
        return [(*pair, digest) for pair, digest in zip(own, digests, strict=True)]

    def _leak_in(
        self, reading: Reading, lookups: Iterable[_Lookup], items: dict[bytes, set[UUID]]
    ) -> LeakVerdict:
        """The first of ``lookups``, strongest rule first, that is met."""
        for lookup in lookups:
            if lookup.digest in items and not self._is_excused(reading, lookup):
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

    def _items_by_digest(self, digests: set[bytes]) -> dict[bytes, set[UUID]]:
        found: dict[bytes, set[UUID]] = {}
        # Next to none of them is there: which ones are is asked fast, and what they are of those alone.
        for chunk in batched(present(Digest, "digest", digests), IN_LIST):
            rows = Digest.objects.filter(digest__in=chunk, corpus__in=self.corpora)
            for digest, item_uuid in rows.values_list("digest", "item_uuid"):
                found.setdefault(bytes(digest), set()).add(item_uuid)
        return found

    def _near(self, readings: Sequence[Reading]) -> list[LeakVerdict]:
        units = [reading.near_units() for reading in readings]
        near_of = self._near_by_unit(list(dict.fromkeys(chain.from_iterable(units))))
        return [
            self._near_verdict(reading, own, near_of) for reading, own in zip(readings, units, strict=True)
        ]

    def _near_by_unit(self, units: Sequence[str]) -> dict[str, list[_Protected]]:
        """The protected sentences near each of ``units``; those that are near none are left out."""
        if not units:
            return {}
        sets = [self.fingerprinter.unsorted_shingles(unit) for unit in units]
        candidates = self._candidates(
            band_keys_of_many(signatures(sets), namespace=self.fingerprinter.namespace)
        )
        protected = self._protected_sets({pk for pks in candidates for pk in pks})
        found = {}
        for unit, own, pks in zip(units, sets, candidates, strict=True):
            shingles = np.unique(own) if pks else own
            near = [
                protected[pk] for pk in pks if pk in protected and _are_near(shingles, protected[pk].shingles)
            ]
            if near:
                found[unit] = near
        return found

    def _near_verdict(
        self, reading: Reading, units: Sequence[str], near_of: dict[str, list[_Protected]]
    ) -> LeakVerdict:
        """Of the first of ``units`` that is near something for a reason of its own."""
        for unit in units:
            near = self._not_quoted(reading, unit, near_of[unit]) if unit in near_of else []
            if near:
                start = reading.text.index(unit)
                uuids = tuple(sorted({item.uuid for item in near}))
                return LeakVerdict("near", "near", (start, start + len(unit)), uuids)
        return CLEAN

    def _not_quoted(self, reading: Reading, unit: str, near: list[_Protected]) -> list[_Protected]:
        """Those of ``near`` that ``unit`` is near to for another reason than the text it quotes."""
        folded, quotes = canonical(unit), self._quoted_in(reading)
        if any(_holds(quote, folded) for quote in quotes):
            return []
        own = [self.fingerprinter.shingles(quote) for quote in quotes if _holds(folded, quote)]
        return [item for item in near if not any(_are_near(quote, item.shingles) for quote in own)]

    def _candidates(self, keys: Sequence[Sequence[int]]) -> list[list[int]]:
        """For each unit the protected sets that share most bands with it."""
        holders: dict[int, list[int]] = {}
        wanted = {key for unit_keys in keys for key in unit_keys}
        for key, pk in pairs_by_key(ShingleBand, "key", "shingle_set_id", wanted):
            holders.setdefault(key, []).append(pk)
        shared = (Counter(pk for key in unit_keys for pk in holders.get(key, ())) for unit_keys in keys)
        return [[pk for pk, _ in counter.most_common(MAX_CANDIDATES)] for counter in shared]

    def _protected_sets(self, pks: Iterable[int]) -> dict[int, _Protected]:
        found = {}
        for chunk in batched(pks, IN_LIST):
            rows = ShingleSet.objects.filter(pk__in=chunk, corpus__in=self.corpora)
            for pk, item_uuid, shingles in rows.values_list("pk", "item_uuid", "shingles"):
                found[pk] = _Protected(
                    item_uuid, np.frombuffer(bytes(shingles), dtype="<u8").astype(np.uint64)
                )
        return found


def _met(reading: Reading, runs: Iterable[_Run], items: dict[bytes, set[UUID]]) -> Iterator[_Lookup]:
    for span, window, digest in runs:
        if digest in items:
            yield _Lookup("gram", span.count, window, digest, partial(_token_span, reading, span))


def _are_near(one: Shingles, other: Shingles) -> bool:
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
