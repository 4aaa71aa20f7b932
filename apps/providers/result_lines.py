"""Result lines as they come over the network: cut at line feeds alone, never a whole file in memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from apps.core.strict_json import StrictJsonError, loads_line
from apps.providers.base import NotOursError

# Room for an answer of content.MAX_ANSWER_BYTES, escaped once more, and for what a vendor puts around it.
MAX_RESULT_LINE_BYTES = 16_000_000
# Ours has an id of ours on every line but the poisoned ones.
LINES_LOOKED_AT = 1000
CUSTOM_ID = re.compile(r"([0-9a-f]{32})-\d{6}")


def split_lines(chunks: Iterable[bytes], *, max_bytes: int = MAX_RESULT_LINE_BYTES) -> Iterator[bytes]:
    """The lines of a stream, without line feeds. Of one over the limit, ``max_bytes + 1`` bytes are kept.

    So the strict reader, under its own lower limit, refuses it as too long, and an endless line fills no memory.
    """
    line = bytearray()
    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            line += piece[: max_bytes + 1 - len(line)]
            yield bytes(line)
            line.clear()
        line += rest[: max_bytes + 1 - len(line)]
    if line:
        yield bytes(line)


def own_lines(
    lines: Iterable[bytes], nonce: str, *, id_name: str = "custom_id", is_tagged: bool = True
) -> Iterator[bytes]:
    """``lines`` as they are; NotOursError at the first id of our form, if its nonce is another.

    Where nothing but its ids says whose a batch is (``is_tagged`` false), also when there are ids and none is ours.
    """
    is_ours = has_ids = False
    for line in lines:
        if not is_ours and (custom_id := _id_in(line, id_name)):
            has_ids = True
            if found := _nonce_of(custom_id):
                if found != nonce:
                    raise NotOursError(
                        f"Its results carry the ids of another batch ({found[:8]}…), not of {nonce[:8]}…"
                    )
                is_ours = True
        yield line
    if has_ids and not is_ours and not is_tagged:
        raise NotOursError(f"Its results carry ids of somebody else's form, not of {nonce[:8]}…")


def carry_nonce(lines: Iterable[bytes], nonce: str, *, id_name: str = "custom_id") -> bool:
    """Whether the first id of our form has ``nonce``; False when none of the first thousand lines has such an id."""
    ids = (_nonce_of(_id_in(line, id_name)) for line in islice(lines, LINES_LOOKED_AT))
    return next(filter(None, ids), "") == nonce


def _id_in(line: bytes, id_name: str) -> str:
    """The line's id; "" where there is none to be read."""
    try:
        value = loads_line(line, max_bytes=MAX_RESULT_LINE_BYTES)
    except StrictJsonError:
        return ""
    custom_id = value.get(id_name) if isinstance(value, dict) else None
    return custom_id if isinstance(custom_id, str) else ""


def _nonce_of(custom_id: str) -> str:
    """The nonce in an id; "" when the id is not of our form."""
    match = CUSTOM_ID.fullmatch(custom_id)
    return match[1] if match else ""
