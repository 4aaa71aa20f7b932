"""The database's clock, in the few places where two machines must agree on the time."""

from __future__ import annotations

from datetime import datetime

from django.db import connections
from django.utils import timezone
from django.utils.dateparse import parse_datetime


def database_now(using: str = "default") -> datetime:
    """The time of the database server; on SQLite, where the server is this process, our own clock."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        value = cursor.fetchone()[0]
    moment = parse_datetime(value) if isinstance(value, str) else value
    if moment is None:
        raise ValueError(f"The database answered {value!r} for its clock.")
    return moment
