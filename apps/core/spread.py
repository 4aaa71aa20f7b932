"""Walking through combinations so that every prefix of the walk is balanced."""

from __future__ import annotations

import math
from collections.abc import Sequence


def spread(place: int, sizes: Sequence[int]) -> list[int]:
    """One digit below each of ``sizes``: step ``place`` of a walk that starts over after their product.

    The steps 0 … product−1 meet every combination once, and each digit runs through all its values before it
    repeats one: after n steps two values of a digit differ in use by at most one, up to the shift below.

    With two sizes a and b, the pair (i mod a, i mod b) repeats after lcm(a, b) steps; shifting the second
    digit by one from there on reaches the pairs that were left out. Further sizes join the pair in the same
    way.
    """
    digits = []
    combined = 1
    for size in sizes:
        within = place % (combined * size)
        digits.append((within + within // math.lcm(combined, size)) % size)
        combined *= size
    return digits
