"""Sub-keys of ``LEAKAGE_KEY``: one per project and purpose.

Equal texts of two projects therefore share no digest, and a digest made for one purpose says nothing about
another. Only processes that may read the ``leakage`` database are given the key.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SUBKEY_BYTES = 32


def subkey(project_uuid: UUID, purpose: str) -> bytes:
    """32 bytes for ``purpose`` (at most 16 ASCII characters) within one project.

    Extract, then expand (RFC 5869), with BLAKE2b's own keying in place of HMAC. Raises ImproperlyConfigured
    in a process that was not given the key.
    """
    if not settings.LEAKAGE_KEY:
        raise ImproperlyConfigured("This process has no LEAKAGE_KEY: fingerprints are not for it.")
    return _derive(settings.LEAKAGE_KEY, project_uuid, purpose)


@lru_cache(maxsize=256)
def _derive(root: str, project_uuid: UUID, purpose: str) -> bytes:
    extracted = hashlib.blake2b(root.encode(), person=b"leakage root v1").digest()
    return hashlib.blake2b(
        project_uuid.bytes, key=extracted, person=purpose.encode(), digest_size=SUBKEY_BYTES
    ).digest()
