"""What is kept of a protected text, and what a screened text is compared by. Pure: no database.

Of a protected text stay keyed digests of the whole text, of its sentences, of every run of 13 tokens, and, of
a text or sentence of 5 to 12 tokens, one of all of it as a run; and the keyed shingles of the whole text and
of its sentences, for near matches. Most support tickets have fewer than 13 words: without the shorter runs
three quarters of them could be copied into a longer text unseen.

Of every run its first five tokens are kept as well. A screened text is then asked about once per word, and
about longer runs only where one may begin: a ninth of the digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import itemgetter
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.core.text import canonical, sentences
from apps.leakage.keys import subkey
from apps.leakage.models import DigestKind
from apps.similarity.keyed import KEY_BYTES, KeyedShingler, siphash
from apps.similarity.minhash import ShingleSet

Strictness = Literal["record", "prompt"]

GRAM_TOKENS = 13
"""The published rule: a run of 13 tokens is too long to be chance."""
SHORTEST_OWN_GRAM = 5
"""Texts and sentences from here to 12 tokens count as one run of their own length."""
PREFIX_TOKENS = SHORTEST_OWN_GRAM
SHORTEST_WINDOW: dict[Strictness, int] = {"record": 8, "prompt": 5}
"""The shortest run looked up inside a screened text. In a record a run of five words may be chance; in a
prompt, which we write ourselves, it is more likely a row that somebody pasted."""
SENTENCE_TOKENS = 4
"""Shorter sentences ("please help") are everybody's."""
SENTENCES_OF_A_UNIT = 12
"""A longer text is compared sentence by sentence alone: as a whole it is near to nothing but its own copy."""
DIGEST_BYTES = 16
HEAD_BYTES = 8
"""Of a digest: enough to tell that it is not among some millions."""


@dataclass(frozen=True)
class Span:
    """``count`` tokens from token ``first`` on."""

    first: int
    count: int


class Tokens:
    """A token sequence whose windows are slices of one string."""

    def __init__(self, folded: str) -> None:
        self.folded = folded

    def __len__(self) -> int:
        return self.folded.count(" ") + 1 if self.folded else 0

    @cached_property
    def words(self) -> list[str]:
        return self.folded.split(" ") if self.folded else []

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate([len(word) + 1 for word in self.words])]

    def window(self, first: int, count: int) -> str:
        return self.folded[self._starts[first] : self._starts[first + count] - 1]


class Reading:
    """One text, taken apart once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = Tokens(canonical(text))

    @cached_property
    def sentences(self) -> list[tuple[str, Tokens]]:
        """Every sentence with its tokens."""
        return [(sentence, Tokens(canonical(sentence))) for sentence in sentences(self.text)]

    @cached_property
    def long_sentences(self) -> list[tuple[str, Tokens]]:
        return [(sentence, tokens) for sentence, tokens in self.sentences if len(tokens) >= SENTENCE_TOKENS]

    def near_units(self) -> list[tuple[str, Tokens]]:
        """What is compared by shingles: the whole text, and its sentences when it has several."""
        several = self.long_sentences if len(self.sentences) > 1 else []
        return several if len(self.sentences) > SENTENCES_OF_A_UNIT else [(self.text, self.tokens), *several]


class Fingerprinter:
    """Digests and shingles under the keys of one project."""

    def __init__(self, project_uuid: UUID) -> None:
        self.namespace = project_uuid.int & (2**64 - 1)
        self._shingler = KeyedShingler(subkey(project_uuid, "shingles"))
        self._prefix_key = subkey(project_uuid, "prefix of a run")[:KEY_BYTES]
        self._states = {
            kind: hashlib.blake2b(key=subkey(project_uuid, f"digest {kind}"), digest_size=DIGEST_BYTES)
            for kind in DigestKind
        }

    def digest(self, kind: DigestKind, folded: str) -> bytes:
        return self.digests(kind, [folded])[0]

    def digests(self, kind: DigestKind, many: Iterable[str]) -> list[bytes]:
        """Copying a prepared state spares the key schedule: half the time at these lengths."""
        keyed = self._states[kind].copy
        found = []
        for folded in many:
            state = keyed()
            # What came out of escapes may hold half a surrogate pair.
            state.update(folded.encode(errors="surrogatepass"))
            found.append(state.digest())
        return found

    def shingles(self, text: str) -> ShingleSet:
        return self._shingler.shingles(text)

    def hashes_of_many(self, folded: Sequence[str]) -> list[NDArray[np.uint64]]:
        """Shingles of each text in canonical form, unsorted and repeated: to sign with."""
        return self._shingler.hashes_of_many(folded)

    def case_digest(self, text: str) -> bytes:
        return self.digest(DigestKind.CASE, text.casefold().strip())

    def protected_digests(self, reading: Reading) -> list[tuple[DigestKind, int, bytes]]:
        """(kind, tokens, digest) to store for a protected text, each once, sorted by kind and digest."""
        tokens = reading.tokens
        if not len(tokens):
            return []
        long_sentences = [sentence for _, sentence in reading.long_sentences]
        found = {
            (DigestKind.TEXT, len(tokens), self.digest(DigestKind.TEXT, tokens.folded)),
            (DigestKind.CASE, len(tokens), self.case_digest(reading.text)),
        }
        found |= {
            (DigestKind.SENTENCE, len(sentence), self.digest(DigestKind.SENTENCE, sentence.folded))
            for sentence in long_sentences
        }
        runs = list(self._protected_runs(tokens, long_sentences))
        for run, prefixes in zip(runs, self.prefixes(runs), strict=True):
            prefix = prefixes[:1].astype("<u8").tobytes()
            found.add((DigestKind.GRAM, len(run), self.digest(DigestKind.GRAM, run.folded)))
            found.add((DigestKind.PREFIX, PREFIX_TOKENS, prefix))
        return sorted(found, key=itemgetter(0, 2))

    def _protected_runs(self, text: Tokens, long_sentences: list[Tokens]) -> Iterator[Tokens]:
        for unit in (text, *long_sentences):
            if SHORTEST_OWN_GRAM <= len(unit) < GRAM_TOKENS:
                yield unit
        for first in range(len(text) - GRAM_TOKENS + 1):
            yield Tokens(text.window(first, GRAM_TOKENS))

    def prefixes(self, many: Sequence[Tokens]) -> list[NDArray[np.uint64]]:
        """Of each text one keyed hash for each token where a protected run may begin, in order.

        SipHash of five hashes of tokens, each of them keyed as well: half as long as a digest, for it decides
        nothing but where a longer look is worth while.
        """
        numbers: dict[str, int] = {}
        places = [numbers.setdefault(word, len(numbers)) for tokens in many for word in tokens.words]
        of_tokens = b"".join([digest[:HEAD_BYTES] for digest in self.digests(DigestKind.PREFIX, numbers)])
        hashes = np.frombuffer(of_tokens, dtype="<u8").astype(np.uint64)[np.array(places, dtype=np.int64)]
        count = max(len(hashes) - PREFIX_TOKENS + 1, 0)
        runs = [hashes[place : place + count] for place in range(PREFIX_TOKENS)]
        found = siphash(self._prefix_key, runs, length=PREFIX_TOKENS * HEAD_BYTES)
        # The runs that reach from one text into the next belong to neither.
        ends = accumulate(len(tokens.words) for tokens in many)
        return [
            found[end - len(tokens.words) : max(end - PREFIX_TOKENS + 1, end - len(tokens.words))]
            for tokens, end in zip(many, ends, strict=True)
        ]


def windows(tokens: Tokens, starts: Iterable[int], strictness: Strictness) -> Iterator[tuple[Span, str]]:
    """Every run that begins at one of ``starts`` and may be a protected one."""
    for first in starts:
        for count in range(SHORTEST_WINDOW[strictness], min(GRAM_TOKENS, len(tokens) - first) + 1):
            yield Span(first, count), tokens.window(first, count)
