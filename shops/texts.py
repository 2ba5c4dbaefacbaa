"""What people write, as the database can hold it; what stands in both languages, as each reader reads it."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language

Told = TypeVar("Told")


def in_the_readers_language(english: Told, chinese: Told) -> Told:
    """Of what is kept in both languages the one that the reader reads."""
    return chinese if (get_language() or "").startswith("zh") else english


def as_written(text: str) -> str:
    """What somebody wrote: without blanks around it, and without NUL, which PostgreSQL holds nowhere."""
    return text.replace("\x00", "").strip()


def told_moment(at: datetime) -> str:
    """A day and a time, to the minute, as the reader's language writes them."""
    return date_format(localtime(at), "DATETIME_FORMAT")
