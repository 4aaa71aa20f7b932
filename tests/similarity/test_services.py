"""The index: what is put in is found, by the same figures as the hashes of ``minhash`` give."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leakage.models import CorpusKind, Digest, DigestKind, ProtectedCorpus
from apps.similarity.lookup import PARAMETERS, insert_pairs, pairs_by_key, present
from apps.similarity.minhash import hashes_of_texts, jaccard, set_jaccard, shingles, signatures
from apps.similarity.models import Band
from apps.similarity.services import find_near, index_records
from tests import factories

SMALLEST, LARGEST = -(2**63), 2**63 - 1
TEXT = "why was my card charged twice for the same yearly plan that i cancelled last week"


@given(st.text(max_size=40), st.text(max_size=40))
def test_similarity_of_sets_is_that_of_sorted_shingles(one: str, other: str) -> None:
    for a, b in ((one, other), (one, one + other), (one, one)):
        hashes = [set(own.tolist()) for own in hashes_of_texts([a, b])]
        assert set_jaccard(*hashes) == jaccard(shingles(a), shingles(b))


@given(st.lists(st.text(max_size=40), max_size=6))
def test_texts_signed_together_have_the_signatures_of_their_shingles(texts: list[str]) -> None:
    assert np.array_equal(signatures(hashes_of_texts(texts)), signatures([shingles(text) for text in texts]))


@pytest.mark.django_db
def test_every_row_of_the_asked_keys_is_found_and_none_twice() -> None:
    rows = [(SMALLEST, 1), (SMALLEST, 2), (-1, 1), (0, 3), (LARGEST, LARGEST)]
    insert_pairs(Band, ("key", "record_id"), rows)
    insert_pairs(Band, ("key", "record_id"), [*rows, (7, 7)])
    assert sorted(pairs_by_key(Band, "key", "record_id", {SMALLEST, -1, LARGEST, 5})) == [
        (SMALLEST, 1),
        (SMALLEST, 2),
        (-1, 1),
        (LARGEST, LARGEST),
    ]
    assert pairs_by_key(Band, "key", "record_id", set()) == []
    assert Band.objects.count() == len(rows) + 1


@pytest.mark.django_db(databases=["leakage"])
def test_the_digests_that_are_there_are_told_from_those_that_are_not() -> None:
    corpus = ProtectedCorpus.objects.create(project_uuid=uuid4(), kind=CorpusKind.HOLDOUT, name="holdout")
    stored = [bytes(16), b"\xff" * 16, b'\\",{}%s\x00\n12345']
    for digest in stored:
        Digest.objects.create(corpus=corpus, kind=DigestKind.TEXT, length=1, digest=digest, item_uuid=uuid4())
    others = [number.to_bytes(16, "big") for number in range(1, PARAMETERS + 2)]
    assert present(Digest, "digest", {*stored, *others}) == set(stored)
    assert present(Digest, "digest", set()) == set()


@pytest.mark.django_db
def test_a_record_is_near_others_and_not_itself() -> None:
    project = factories.make_project()
    factories.make_guide(project, "refund")
    gap = factories.make_gap(project)
    texts = [TEXT, TEXT + " please", "the app crashes whenever i open the statement of may"]
    records = [factories.make_candidate(gap, text) for text in texts]
    index_records(project_id=project.pk, texts=[(r.pk, text) for r, text in zip(records, texts, strict=True)])
    of_records = find_near(
        project_id=project.pk,
        task_type=project.task_type,
        texts=texts,
        record_ids=[record.pk for record in records],
    )
    assert [[near.record_id for near in nears] for nears in of_records] == [
        [records[1].pk],
        [records[0].pk],
        [],
    ]
    of_a_text = find_near(project_id=project.pk, task_type=project.task_type, texts=[TEXT])
    assert [near.record_id for near in of_a_text[0]] == [records[0].pk, records[1].pk]
    assert of_a_text[0][1].similarity == jaccard(shingles(texts[0]), shingles(texts[1]))
