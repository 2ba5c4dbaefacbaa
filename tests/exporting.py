"""Plain functions that take a list away as a person does, and read what came."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl
from django.http import HttpResponse
from django.test import Client

FORMATS = {"csv": "0", "xlsx": "1"}


def ask(
    client: Client,
    address: str,
    query: dict[str, Any] | None = None,
    *,
    format: str = "csv",
    without: tuple = (),
) -> HttpResponse:
    """Fill in the page to choose format and columns, and send it."""
    page = client.get(address, query or {})
    form = page.context["form"]
    data = {
        name: "on"
        for name, field in form.fields.items()
        if getattr(field, "is_selectable_field", False) and name.partition("_")[2] not in without
    }
    data |= {"resource": "0", "format": FORMATS[format]}
    answer: HttpResponse = client.post(page.wsgi_request.get_full_path(), data)
    return answer


def content(answer: Any) -> bytes:
    """What was sent as a file."""
    assert answer["Content-Disposition"].startswith("attachment"), answer.content
    return b"".join(answer.streaming_content)


def read_csv(sent: bytes) -> list[dict[str, str]]:
    text = sent.decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def read_xlsx(sent: bytes) -> list[dict[str, Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(sent)).active
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def taken(client: Client, address: str, query: dict[str, Any] | None = None) -> list[dict[str, str]]:
    """The rows of a list's export as CSV."""
    return read_csv(content(ask(client, address, query)))
