"""The rejected rows with all their errors: kept as read, written out in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import tee
from pathlib import Path
from typing import Any

from django.utils.translation import get_language, override
from django.utils.translation import gettext as _t

from shops import sql
from shops.exports import csv_lines
from shops.imports.columns import REASONS, spoken
from shops.imports.errors import RowError
from shops.imports.files import replacing
from shops.imports.reading import Source

ERROR = (
    "jsonb_build_object('row', row, 'column', column_name, 'value', value, 'code', code, 'params', params)"
)


def first_errors(count: int) -> list[dict[str, Any]]:
    """Of the errors in this transaction's staging, as the import's record keeps them."""
    found = sql.fetch(
        f"SELECT {ERROR}::text FROM import_errors ORDER BY row, position, code LIMIT %s", [count]
    )
    return [json.loads(error) for (error,) in found]


def error_counts() -> dict[str, int]:
    """How many errors there are of each code, the most frequent first."""
    return dict(sql.fetch("SELECT code, count(*) FROM import_errors GROUP BY code ORDER BY 2 DESC, 1"))


def keep_rejects(source: Source, path: Path) -> None:
    """Write the rejected rows and their errors. The file is read once more: memory would not hold them."""
    rejected, again = tee(
        sql.stream(
            f"SELECT row, jsonb_agg({ERROR} ORDER BY position, code)::text"
            " FROM import_errors GROUP BY row ORDER BY row"
        )
    )
    with replacing(path) as (out, _place):
        out.write(json.dumps(source.headers).encode() + b"\n")
        cells_of_rows = source.rows(number for number, _errors in rejected)
        for cells, (_number, errors) in zip(cells_of_rows, again, strict=True):
            line = f'{{"cells": {json.dumps(cells, ensure_ascii=False)}, "errors": {errors}}}\n'
            out.write(line.encode())


def rejects_csv(path: Path) -> Iterator[str]:
    """The kept rejects as CSV, line by line, in the language in force now: reasons in front, then the row.

    Mended, it can be sent again as it is: the column of reasons is read over.
    """
    return _rejects_csv(path, get_language() or "en")


def _rejects_csv(path: Path, language: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as kept:
        headers = json.loads(kept.readline())
        left_out = [spoken(header) in REASONS for header in headers]

        def rows() -> Iterator[list[str]]:
            for line in kept:
                record = json.loads(line)
                # A download is written after its request's language has been put back.
                with override(language):
                    reasons = [_reason(RowError.of_record(error)) for error in record["errors"]]
                yield ["\n".join(reasons), *_without(record["cells"], left_out)]

        with override(language):
            reasons_header = _t("reasons")
        yield from csv_lines([reasons_header, *_without(headers, left_out)], rows())


def _reason(error: RowError) -> str:
    where = f"{error.column}: " if error.column else ""
    return where + error.message


def _without(cells: list[str], left_out: list[bool]) -> list[str]:
    """The cells but those of an earlier file's reasons; cells beyond the headers stay."""
    kept = [cell for cell, out in zip(cells, left_out, strict=False) if not out]
    return kept + cells[len(left_out) :]
