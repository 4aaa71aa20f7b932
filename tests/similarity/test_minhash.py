from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.text import canonical
from apps.similarity.keyed import KeyedShingler, keyed_shingles, siphash
from apps.similarity.minhash import (
    BANDS,
    EMPTY_MINIMUM,
    PERMUTATIONS,
    ShingleSet,
    band_keys,
    band_keys_of_many,
    estimated_jaccard,
    jaccard,
    shingles,
    signature,
    signatures,
)

KEY = bytes(range(32))
VOCABULARY = (
    "why was my card charged twice for the same yearly plan i cancelled last week refund please help "
    "subscription renewal account login password invoice bank transfer pending still not working how do "
    "change address top up failed declined exchange rate wrong amount atm cash missing phone app crash"
)
WORDS = VOCABULARY.split()

GOLDEN_SHINGLES = [4292263467897421605, 13613614683329694847]
GOLDEN_SHORT = [12578214227158490371]
GOLDEN_KEYED = [5284872551350584266, 16817310448029616713]
GOLDEN_MINIMA = [
    967453341703618167,
    1208621484397109446,
    223307224333112714,
    117033911794477464,
    88942983937438773,
]
GOLDEN_BAND_KEYS = [
    8767653189415471553,
    1692747570784596866,
    1542595389839264946,
    -3938411428814121904,
    729802042701999891,
    797690608225360928,
    -5367190625026840551,
    -9013468387371646140,
    4675042677051364158,
    -8843171224882632515,
    2686327306294352309,
    -7236307205904922083,
]


def bits(values: ShingleSet) -> set[int]:
    return set(values.tolist())


def test_hashes_are_frozen() -> None:
    """Indexes in databases hold these values. If this fails, restore the hash; never update the numbers."""
    assert shingles("Refund!").tolist() == GOLDEN_SHINGLES
    assert shingles("¿né?").tolist() == GOLDEN_SHORT
    assert keyed_shingles("Refund!", KEY).tolist() == GOLDEN_KEYED
    text = "I want my money back, the plan renewed again 😀"
    assert signature(shingles(text))[[0, 1, 30, 58, 59]].tolist() == GOLDEN_MINIMA
    assert band_keys(signature(shingles(text)), namespace=7) == GOLDEN_BAND_KEYS


def test_hashes_agree_with_arithmetic_on_python_integers() -> None:
    """The same definition without numpy, so that an overflow or a byte order would show."""
    mask = 2**64 - 1

    def stream(seed: int, count: int) -> list[int]:
        return [mix((seed + (step + 1) * 0x9E3779B97F4A7C15) & mask) for step in range(count)]

    def mix(value: int) -> int:
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
        return value ^ (value >> 31)

    assert stream(0, 1) == [0xE220A8397B1DCDAF]  # published first output of SplitMix64 from seed 0
    text = "renewed again 😀"
    factors = [factor | 1 for factor in stream(1, 5)]
    grams = {text[start : start + 5] for start in range(len(text) - 4)}
    hashes = sorted(
        mix(sum(ord(char) * factor for char, factor in zip(gram, factors, strict=True)) & mask)
        for gram in grams
    )
    assert shingles(text).tolist() == hashes
    permutations = list(zip(stream(2, 60), stream(3, 60), strict=True))
    minima = [min((value * (a | 1) + b) & mask for value in hashes) for a, b in permutations]
    assert signature(shingles(text)).tolist() == minima
    keys = []
    for band, seed in enumerate(stream(4, 12)):
        key = mix(seed ^ (-3 & mask))
        for minimum in minima[band * 5 : band * 5 + 5]:
            key = mix(key ^ minimum)
        keys.append(key - 2**64 if key >= 2**63 else key)
    assert band_keys(signature(shingles(text)), namespace=-3) == keys


@settings(deadline=None)
@given(st.text())
def test_shingles_are_sorted_unique_and_blind_to_spelling(text: str) -> None:
    for found in (shingles(text), keyed_shingles(text, KEY)):
        assert found.dtype == np.uint64
        assert all(low < high for low, high in pairwise(found.tolist()))
    assert shingles(f"  {text}!?").tolist() == shingles(text).tolist()
    assert len(shingles(text)) == len(keyed_shingles(text, KEY))


def test_short_texts_are_one_shingle_equal_only_to_themselves() -> None:
    short = ["a", "aa", "ab", "abc", "abcd", "abcde"]
    assert [len(shingles(text)) for text in short] == [1] * len(short)
    assert len({int(shingles(text)[0]) for text in short}) == len(short)
    assert jaccard(shingles("Ab!"), shingles("ab")) == 1.0
    assert jaccard(shingles("ab"), shingles("abc")) == 0.0


def test_an_empty_text_is_near_nothing_and_takes_no_place_in_the_index() -> None:
    nothing = shingles(" …!\u200b")
    assert len(nothing) == len(keyed_shingles("", KEY)) == 0
    assert (
        jaccard(nothing, nothing)
        == jaccard(nothing, shingles("refund"))
        == jaccard(shingles("refund"), nothing)
        == 0
    )
    assert set(signature(nothing).tolist()) == {EMPTY_MINIMUM}
    assert band_keys(signature(nothing), namespace=1) == []


@settings(deadline=None)
@given(st.sets(st.integers(0, 2**64 - 1)), st.sets(st.integers(0, 2**64 - 1)))
def test_jaccard_is_exact_and_symmetric(some: set[int], others: set[int]) -> None:
    shared = some | {1, 2**64 - 1}, others | {1, 2**64 - 1}
    for left, right in ((some, others), shared):
        a, b = (np.array(sorted(values), dtype=np.uint64) for values in (left, right))
        expected = len(left & right) / len(left | right) if left and right else 0.0
        assert jaccard(a, b) == jaccard(b, a) == expected


def test_many_signatures_equal_one_at_a_time() -> None:
    rng = random.Random(5)
    texts = ["", *(" ".join(rng.choices(WORDS, k=rng.randint(0, 40))) for _ in range(600)), "x"]
    texts.insert(300, " ".join(str(rng.random()) for _ in range(5_000)))  # more shingles than one slice holds
    sets = [shingles(text) for text in texts]
    together = signatures(sets)
    assert together.shape == (len(texts), PERMUTATIONS)
    assert all((row == signature(one)).all() for row, one in zip(together, sets, strict=True))
    assert band_keys_of_many(together, namespace=9) == [band_keys(row, namespace=9) for row in together]
    assert signatures([]).shape == (0, PERMUTATIONS)
    assert band_keys_of_many(signatures([]), namespace=9) == []
    assert set(signatures([shingles("")])[0].tolist()) == {EMPTY_MINIMUM}


def test_band_keys_fit_a_signed_column_and_differ_by_band_and_namespace() -> None:
    row = signature(shingles("the same text in two projects"))
    keys = {namespace: band_keys(row, namespace=namespace) for namespace in (0, 1, 2, 2**63 - 1, -1)}
    everything = [key for found in keys.values() for key in found]
    assert len(set(everything)) == len(everything) == len(keys) * BANDS
    assert all(-(2**63) <= key < 2**63 for key in everything)
    assert min(everything) < 0 < max(everything)


def edited(words: list[str], rng: random.Random, *, share: float) -> list[str]:
    """The same words with up to a share of them replaced, dropped, swapped or mistyped."""
    result = [*words]
    for _ in range(rng.randint(0, max(1, int(len(words) * share)))):
        place = rng.randrange(len(result) - 1)
        action = rng.choice(["replace", "drop", "swap", "mistype"])
        if action == "replace":
            result[place] = rng.choice(WORDS)
        elif action == "drop":
            del result[place]
        elif action == "swap":
            result[place], result[place + 1] = result[place + 1], result[place]
        else:
            result[place] = result[place][::-1]
    return result


def pairs(count: int, *, seed: int, share: float = 0.1) -> list[tuple[ShingleSet, ShingleSet]]:
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        words = rng.choices(WORDS, k=rng.randint(6, 60))
        made.append((shingles(" ".join(words)), shingles(" ".join(edited(words, rng, share=share)))))
    return made


def found(pair: tuple[ShingleSet, ShingleSet]) -> bool:
    left, right = (set(band_keys(signature(side), namespace=1)) for side in pair)
    return bool(left & right)


def test_near_duplicates_are_found() -> None:
    near = [pair for pair in pairs(3_000, seed=11) if 0.7 <= jaccard(*pair) < 1.0]
    assert len(near) > 1_000
    assert np.mean([jaccard(*pair) < 0.9 for pair in near]) > 0.4, "mostly easy pairs would prove little"
    assert np.mean([found(pair) for pair in near]) >= 0.95


def test_recall_follows_the_banding_formula_at_each_similarity() -> None:
    """1 - (1 - j⁵)¹² supposes independent permutations; a poor hash would fall below or rise above it."""
    everything = pairs(6_000, seed=12, share=0.3)
    for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9)):
        group = [pair for pair in everything if low <= jaccard(*pair) < high]
        expected = float(np.mean([1 - (1 - jaccard(*pair) ** 5) ** 12 for pair in group]))
        assert len(group) > 150
        assert np.mean([found(pair) for pair in group]) == pytest.approx(expected, abs=0.06)


def test_texts_that_only_share_words_are_rarely_candidates() -> None:
    texts = [left for left, _ in pairs(400, seed=13)]
    keys = [set(band_keys(signature(text), namespace=1)) for text in texts]
    shared = sum(bool(left & right) for place, left in enumerate(keys) for right in keys[:place])
    assert shared / (400 * 399 / 2) < 0.01


def test_minima_estimate_jaccard_without_bias() -> None:
    sample = pairs(1_500, seed=14)
    errors = [
        estimated_jaccard(signature(left), signature(right)) - jaccard(left, right) for left, right in sample
    ]
    assert abs(np.mean(errors)) < 0.01
    assert np.std(errors) < 0.07


def test_keyed_shingles_keep_similarity_and_say_nothing_under_another_key() -> None:
    for left, right in (("I was charged twice, refund me", "i was charged TWICE refund us"), ("abc", "abc")):
        keyed = keyed_shingles(left, KEY), keyed_shingles(right, KEY)
        assert jaccard(*keyed) == jaccard(shingles(left), shingles(right)) > 0.5
        assert not bits(keyed[0]) & bits(keyed_shingles(left, KEY[::-1]))
        assert not bits(keyed[0]) & bits(shingles(left))


@given(st.lists(st.text(alphabet="ab ", max_size=12), max_size=6))
def test_keyed_hashes_of_many_texts_are_those_of_each_though_one_holds_the_next(texts: list[str]) -> None:
    folded = [canonical(text) for text in texts]
    found = KeyedShingler(KEY).hashes_of_many(folded)
    assert [np.unique(own).tolist() for own in found] == [
        keyed_shingles(text, KEY).tolist() for text in folded
    ]
    assert [len(own) for own in found] == [max(len(text) - 4, 1) if text else 0 for text in folded]


def test_keyed_hashes_of_neighbouring_texts_show_no_pattern() -> None:
    """The unkeyed hash is linear before its finaliser; nothing like that may survive in the keyed one."""
    first = np.array(
        [int(keyed_shingles(f"abcd{chr(97 + step)}", KEY)[0]) for step in range(26)], dtype=np.uint64
    )
    differing = np.bitwise_count(first[1:] ^ first[:-1])
    assert 26 < float(differing.mean()) < 38
    assert len(set(np.diff(first).tolist())) == 25


@pytest.mark.parametrize(("length", "published"), [(8, 0x93F5F5799A932462), (16, 0x3F2ACC7F57C29BDB)])
def test_the_keyed_hash_gives_the_published_values_of_siphash(length: int, published: int) -> None:
    """The test vectors of the reference implementation: key 00 01 … 0f, message 00 01 …"""
    words = np.frombuffer(bytes(range(length)), dtype="<u8").reshape(-1, 1).repeat(3, axis=1)
    state = list(words.astype(np.uint64))
    assert siphash(bytes(range(16)), state, length=length).tolist() == [published] * 3


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 15, b"x" * 65])
def test_a_key_that_protects_nothing_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        keyed_shingles("text", key)


def test_lone_surrogates_and_astral_characters_are_hashed_as_code_points() -> None:
    assert len(shingles("\ud800")) == 0
    assert len(shingles("😀😃😄😁😆😅")) == 2
