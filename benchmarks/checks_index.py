"""What the speed of the checks is measured on: composed texts, an index of many records, a protected corpus.

A text is 35 words in the mean, put together from runs of five to nine words of real questions (banking77's training
file; else of the sentences below), with one word in twelve replaced and one in thirty misspelt. It is a function of
its number alone. Real text repeats more than this does.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from apps.specs.models import Gap, Project

CHUNK = 20_000
WRITTEN = 500_000
MEAN_WORDS, SPREAD = 35, 8
TO_CHECK = 10**9
"""Numbers from here on are texts that the index has not got."""
HOLDOUT = 2 * 10**9
COPIES = {"same": 0.02, "near": 0.03, "leak": 0.01, "personal data": 0.01}
"""How much of what is checked is not simply new."""
SENTENCES = """
i still have not got my new card although i ordered it over a week ago
why was i charged an extra fee when i took cash out at the machine near my house
my transfer to a friend abroad has been pending since monday and nobody tells me the reason
the exchange rate you used for my purchase in paris looks wrong to me please check it
can i change my pin without going to the branch because i am travelling right now
someone used my account to pay for a hotel that i have never heard of before
how long does it take until a refund from a shop shows up in the balance of the app
the top up with my other bank failed twice but the money has left that account
i would like to cancel the payment from this morning because the amount is not right
is there any way to get a second virtual card for the subscriptions of my family
""".strip().splitlines()


class Composer:
    """Texts by number."""

    def __init__(self, data: Path) -> None:
        self.questions = _read(data / "banking77-train.csv") or SENTENCES
        self.holdout = _read(data / "banking77-test.csv")
        self.words = [question.split() for question in self.questions]
        self.vocabulary = sorted({word for words in self.words for word in words})

    def text(self, number: int) -> str:
        dice = random.Random(number)
        wanted = max(8, round(dice.gauss(MEAN_WORDS, SPREAD)))
        words: list[str] = []
        while len(words) < wanted:
            question = dice.choice(self.words)
            start = dice.randrange(max(1, len(question) - 4))
            words += question[start : start + dice.randint(5, 9)]
        return " ".join(self._noised(word, dice) for word in words[:wanted])

    def _noised(self, word: str, dice: random.Random) -> str:
        chance = dice.random()
        if chance < 1 / 12:
            return dice.choice(self.vocabulary)
        if chance < 1 / 12 + 1 / 30 and len(word) > 3:
            place = dice.randrange(len(word) - 1)
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        return word

    def protected(self, count: int = 3000) -> list[str]:
        return self.holdout or [self.text(HOLDOUT + number) for number in range(count)]

    def to_check(self, number: int, indexed: int) -> str:
        """A text to check: mostly new, else a copy of one in the index, or one with something in it."""
        dice = random.Random(f"kind {number}")
        chance, text = dice.random(), self.text(TO_CHECK + number)
        for kind, share in COPIES.items():
            if chance < share:
                return self._special(kind, text, dice, indexed)
            chance -= share
        return text

    def _special(self, kind: str, text: str, dice: random.Random, indexed: int) -> str:
        if kind == "leak":
            return f"{text}. {dice.choice(self.protected())}"
        if kind == "personal data":
            return f"{text}. Write to marta{dice.randrange(10**6)}@posteo.de"
        copied = self.text(dice.randrange(indexed))
        return copied if kind == "same" else f"{copied} {dice.choice(self.vocabulary)}"


def _read(path: Path) -> list[str]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return [row["text"] for row in csv.DictReader(file)]


def prepare_project(composer: Composer) -> Gap:
    """A migrated database with one project, its holdout protected."""
    from uuid import uuid4  # noqa: PLC0415

    from apps.leakage.models import CorpusKind  # noqa: PLC0415
    from apps.leakage.services import add_fingerprints, ensure_corpus  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    project = factories.make_project(name="speed")
    factories.make_spec(project)
    factories.make_guide(project, "refund", "billing")
    corpus = ensure_corpus(
        corpus_uuid=uuid4(), project_uuid=project.uuid, kind=CorpusKind.HOLDOUT, name="holdout"
    )
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(uuid4(), text) for text in composer.protected()])
    return factories.make_gap(project)


def add_due(gap: Gap, texts: Sequence[str]) -> None:
    """Records that wait for their checks, as a run leaves them."""
    from apps.records.models import SourceType  # noqa: PLC0415
    from apps.records.services import NewRecord, create_records  # noqa: PLC0415

    rows = [
        NewRecord(source_type=SourceType.SYNTHETIC, input={"text": text}, output={"label": "refund"}, gap=gap)
        for text in texts
    ]
    create_records(project=gap.project, rows=rows, actor=None)


def fill(project: Project, composer: Composer, first: int, stop: int, *, band_rows_to: int = 0) -> None:
    """Puts the texts ``first`` to ``stop`` into the project and its index, as records that passed long ago.

    ``band_rows_to``: the band table is then filled up to that many records with rows of random keys.
    """
    from apps.core.bulk import insert_rows  # noqa: PLC0415
    from apps.similarity.minhash import BANDS, band_keys_of_many, shingles, signatures  # noqa: PLC0415

    keys, ids = [], []
    for start in range(first, stop, CHUNK):
        texts = [composer.text(number) for number in range(start, min(start + CHUNK, stop))]
        records = list(_records(project, texts))
        insert_rows(records)
        many = band_keys_of_many(signatures([shingles(text) for text in texts]), namespace=project.pk)
        keys.append(np.array(many, dtype=np.int64).ravel())
        ids.append(np.repeat(np.array([record.pk for record in records], dtype=np.int64), BANDS))
    if band_rows_to:
        # Ids far above those of records: nothing is ever found through these rows.
        strangers = np.arange(10**12 + stop, 10**12 + band_rows_to, dtype=np.int64)
        keys.append(np.random.default_rng(stop).integers(-(2**63), 2**63 - 1, BANDS * len(strangers)))
        ids.append(np.repeat(strangers, BANDS))
    _fill_bands(np.concatenate(keys), np.concatenate(ids))


def _records(project: Project, texts: Sequence[str]) -> Iterator[Any]:
    from uuid import uuid4  # noqa: PLC0415

    from django.utils import timezone  # noqa: PLC0415

    from apps.records.models import Record, SourceType  # noqa: PLC0415
    from apps.records.services import canonical_hash  # noqa: PLC0415
    from apps.records.states import RecordStatus  # noqa: PLC0415

    fields = Record._meta.concrete_fields
    same = {field.attname: field.get_default() for field in fields} | {
        "project_id": project.pk,
        "created_at": timezone.now(),
        "output": {"label": "refund"},
        "label": "refund",
        "source_type": SourceType.SYNTHETIC,
        "status": RecordStatus.AWAITING_REVIEW,
    }
    for text in texts:
        columns = same | {"uuid": uuid4(), "input": {"text": text}, "canonical_hash": canonical_hash(text)}
        yield Record(*[columns[field.attname] for field in fields])


def _fill_bands(keys: NDArray[np.int64], ids: NDArray[np.int64]) -> None:
    """In the order of the keys, so that the tree grows at its end; the second index is made afterwards."""
    from django.db import connection  # noqa: PLC0415

    from apps.similarity.models import Band  # noqa: PLC0415

    order = np.lexsort((ids, keys))
    keys, ids = keys[order], ids[order]
    fresh = np.ones(len(keys), dtype=bool)
    fresh[1:] = (keys[1:] != keys[:-1]) | (ids[1:] != ids[:-1])
    keys, ids = keys[fresh], ids[fresh]
    with connection.schema_editor() as editor:
        for index in Band._meta.indexes:
            editor.remove_index(Band, index)
    for start in range(0, len(keys), WRITTEN):
        _write_bands(keys[start : start + WRITTEN], ids[start : start + WRITTEN])
    with connection.schema_editor() as editor:
        for index in Band._meta.indexes:
            editor.add_index(Band, index)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM similarity_band")


def _write_bands(keys: NDArray[np.int64], ids: NDArray[np.int64]) -> None:
    from django.db import connection, transaction  # noqa: PLC0415

    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            pairs = list(zip(keys.tolist(), ids.tolist(), strict=True))
            cursor.executemany("INSERT INTO similarity_band (key, record_id) VALUES (%s, %s)", pairs)
            return
        # COPY's binary form: the number of fields, then length and value of each.
        rows = np.zeros(
            len(keys), dtype=[("n", ">i2"), ("a", ">i4"), ("key", ">i8"), ("b", ">i4"), ("id", ">i8")]
        )
        rows["n"], rows["a"], rows["b"], rows["key"], rows["id"] = 2, 8, 8, keys, ids
        with cursor.copy("COPY similarity_band (key, record_id) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\x00" + bytes(8) + rows.tobytes() + b"\xff\xff")
