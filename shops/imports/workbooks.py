"""XLSX becomes CSV before anything looks at it: row n of the sheet is row n of the CSV."""

from __future__ import annotations

import json
import mmap
import subprocess
import sys
import tempfile
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from shops.imports import sheets
from shops.imports.columns import Table
from shops.imports.errors import FileRefused, RowError, shortened
from shops.imports.files import workplace
from shops.imports.reading import Reading

ZIP = b"PK\x03\x04"
# What spreadsheets of before 2007 are, and later ones under a password: told apart by a name within.
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LOCKED = "EncryptedPackage".encode("utf-16-le")

# Spreadsheets allow names of 31 characters; a file may have longer ones.
NAME = 60

REFUSALS = {
    sheets.BROKEN: "workbook_broken",
    sheets.LOCKED: "workbook_locked",
    sheets.TOO_LARGE: "workbook_too_large",
    sheets.NO_WORKBOOK: "no_workbook",
    sheets.MERGED: "workbook_merged",
}


def is_workbook(path: Path) -> bool:
    """Whether the file's content is a workbook's, or an archive's, which no CSV's is: `as_csv` knows more."""
    with open(path, "rb") as file:
        return file.read(len(OLE)).startswith((ZIP, OLE))


@contextmanager
def readable(path: Path, table: Table, reading: Reading) -> Iterator[tuple[Path, str, Reading]]:
    """The file as CSV, the name of its sheet where it is a workbook, and how the CSV is to be read."""
    if not is_workbook(path):
        yield path, "", reading
        return
    with workplace() as directory:
        out = directory / "sheet.csv"
        sheet = as_csv(path, table, out, reading.columns)
        # What a person says of encoding and delimiter is of no workbook.
        yield out, sheet, replace(reading, encoding="utf-8", delimiter=",")


def as_csv(path: Path, table: Table, out: Path, known: Container[str] = ()) -> str:
    """Write the sheet that holds `table` to `out`, as CSV in UTF-8; the sheet's name, shortened.

    It is the visible sheet whose first row has most of the table's headers or of those that are `known`
    besides, of equals the first. FileRefused where there is none or where it has merged cells, and where the
    file is damaged, locked, of an old format or unfolds to too much.
    """
    with open(path, "rb") as file:
        if file.read(len(OLE)) == OLE:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                raise _refused("workbook_locked" if content.find(LOCKED) >= 0 else "workbook_old")
    with tempfile.TemporaryDirectory(dir=out.parent) as directory:
        command = [sys.executable, "-I", sheets.__file__, path, Path(directory) / "copy.xlsx", out]
        with subprocess.Popen(
            [*map(str, command), str(settings.IMPORT_MAX_UNPACKED_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        ) as reader:
            assert reader.stdout is not None
            found = reader.stdout.readline()
            if not found:
                raise _refused(_reason(reader.wait()))
            try:
                number = _fitting(json.loads(found), table, known)
            except FileRefused:
                reader.kill()
                raise
            reader.communicate(f"{number}\n")
    if reader.returncode:
        raise _refused(_reason(reader.returncode))
    name: str = json.loads(found)[number][0]
    return shortened(name, NAME)


def _fitting(found: Sequence[tuple[str, list[str]]], table: Table, known: Container[str]) -> int:
    """Which of the sheets (name, first row) holds the table."""
    fits = [
        sum(header.strip() in known or table.find(header) is not None for header in first)
        for _name, first in found
    ]
    if not any(fits):
        names = shortened(", ".join(name for name, _first in found))
        raise FileRefused(RowError(1, "", "", "no_sheet", {"names": names}))
    return fits.index(max(fits))


def _reason(status: int) -> str:
    """A reader that was ended by the kernel has taken more than it may; any other end is the file's fault."""
    return "workbook_too_large" if status < 0 else REFUSALS.get(status, "workbook_broken")


def _refused(code: str) -> FileRefused:
    params = {"limit": settings.IMPORT_MAX_UNPACKED_BYTES >> 20} if code == "workbook_too_large" else {}
    return FileRefused(RowError(1, "", "", code, params))
