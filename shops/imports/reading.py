"""From a file's bytes to its rows. No file is in memory as a whole."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, NamedTuple

from shops.exports import plain
from shops.imports.columns import Column
from shops.imports.errors import FileRefused, RowError, shortened
from shops.imports.patterns import GoodLines, end_of_whole_lines, good_lines

# Small enough for the processor's cache.
RUN = 1 << 18
# In characters.
LONGEST_LINE = 1 << 20
LONGEST_CELL = csv.field_size_limit()

_LINE_END = re.compile(rb"\r?\n|\r")


@dataclass(frozen=True)
class Reading:
    """How a person says that a file is to be read. What is left empty is found out.

    `columns`: what a header means, told apart (`headers.told_apart`); an empty name: the column is read over.
    `firm`: said of this very file. What is said of all from a source yields to a byte order mark and to a
    delimiter that fits better: their rejected rows come back as this desk writes them.
    """

    encoding: str = ""
    delimiter: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    firm: bool = True


class Run(NamedTuple):
    """Lines of rows that need no parser, from number `first` on."""

    first: int
    lines: bytes

    @property
    def rows(self) -> int:
        return self.lines.count(b"\n")


class Row(NamedTuple):
    """A row by its number, as a spreadsheet counts, and its cells."""

    number: int
    cells: list[str]


@dataclass
class Source:
    """A CSV file whose headers, in row `headers_at`, are understood.

    `columns` by position; None is read over.
    """

    path: Path
    encoding: str
    delimiter: str
    headers_at: int
    headers: list[str]
    columns: list[Column | None]

    @property
    def present(self) -> list[Column]:
        return [column for column in self.columns if column is not None]

    def header_of(self, name: str) -> str:
        """What the file calls a column; the column's own name where the file lacks it."""
        for header, column in zip(self.headers, self.columns, strict=True):
            if column is not None and column.name == name:
                return header
        return name

    def position_of(self, name: str) -> int:
        for position, column in enumerate(self.columns):
            if column is not None and column.name == name:
                return position
        return len(self.columns)

    def cell_of(self, name: str) -> str:
        """What statements call a column."""
        return next((column.cell for column in self.present if column.name == name), name)

    @cached_property
    def good_lines(self) -> GoodLines | None:
        """Which lines need no parser; None where each one does."""
        return good_lines(self.columns, self.delimiter)

    def pieces(
        self, told: Callable[[int], object] = lambda done: None, *, good_alone: bool = True
    ) -> Iterator[Run | Row]:
        """The rows in order: good lines in runs, the others one by one; none without anything in it.

        `told` hears now and then how many bytes have been read. With `good_alone` false also lines that are
        merely whole stand in runs. Raises FileRefused where structure breaks.
        """
        good = self.good_lines
        with open(self.path, "rb") as file:
            buffer = Buffer(file, self.encoding, told)
            done = next(
                row.number for row in records(buffer, 0, self.delimiter) if row.number == self.headers_at
            )
            while buffer.more():
                if not good_alone and (lines := buffer.take(end_of_whole_lines)):
                    yield Run(done + 1, lines)
                    done += lines.count(b"\n")
                    continue
                if good is not None and (lines := buffer.take(good.end_of_run)):
                    yield Run(done + 1, lines)
                    done += lines.count(b"\n")
                for number, cells in records(buffer, done, self.delimiter):
                    done = number
                    if any(cells):
                        # What went out comes back: a `'` that made a cell safe is no part of it.
                        yield Row(number, [plain(cell) for cell in cells])
                    # Behind a line that was not good others may be.
                    if good is not None:
                        break

    def rows(self, numbers: Iterator[int]) -> Iterator[list[str]]:
        """The cells of these rows, whose numbers ascend."""
        wanted = next(numbers, None)
        for piece in self.pieces(good_alone=False):
            if wanted is None:
                return
            if isinstance(piece, Row):
                if piece.number == wanted:
                    yield piece.cells
                    wanted = next(numbers, None)
            elif wanted < (end := piece.first + piece.rows):
                lines = piece.lines.decode(errors="replace").split("\n")
                while wanted is not None and wanted < end:
                    [cells] = csv.reader([lines[wanted - piece.first]], delimiter=self.delimiter)
                    yield [plain(cell) for cell in cells]
                    wanted = next(numbers, None)


class Buffer:
    """The file's text in UTF-8, block by block, and where in it the reader stands."""

    def __init__(self, file: BinaryIO, encoding: str, told: Callable[[int], object]) -> None:
        self._file = file
        self._told = told
        as_it_stands = encoding in ("utf-8", "utf-8-sig")
        self._decoder = None if as_it_stands else codecs.getincrementaldecoder(encoding)()
        self._block = b""
        self._at = 0
        self._ended = False
        self._read_on()
        while self._block.startswith(codecs.BOM_UTF8):
            self._block = self._block[len(codecs.BOM_UTF8) :]

    def _read_on(self) -> None:
        """Another block behind what is left of this one. The last line ends like the others."""
        more = self._file.read(RUN)
        self._ended = not more
        if self._decoder is not None:
            more = self._decoder.decode(more, self._ended).encode()
        self._block = self._block[self._at :] + more
        self._at = 0
        if self._ended and self._block and not self._block.endswith((b"\n", b"\r")):
            self._block += b"\n"
        self._told(self._file.tell())

    def more(self) -> bool:
        """Whether anything is left."""
        while self._at == len(self._block) and not self._ended:
            self._read_on()
        return self._at < len(self._block)

    def take(self, end_of_run: Callable[[bytes, int], int]) -> bytes:
        """The good lines that stand here, as far as the block goes."""
        start, self._at = self._at, end_of_run(self._block, self._at)
        return self._block[start : self._at]

    def lines(self, before: int) -> Iterator[str]:
        """Line by line, numbered after `before`. FileRefused at one of more than LONGEST_LINE characters."""
        number = before
        while line := self._line().decode(errors="replace"):
            number += 1
            if len(line) > LONGEST_LINE:
                params = {"limit": LONGEST_LINE}
                raise FileRefused(RowError(number, "", shortened(line), "line_too_long", params))
            yield line

    def _line(self) -> bytes:
        """The next line with its end, whichever of the three that is; of one too long, more than enough."""
        while True:
            end = _LINE_END.search(self._block, self._at)
            # A CR that closes the block may be the first half of an end.
            if end and (end.end() < len(self._block) or end[0] != b"\r"):
                break
            if self._ended or len(self._block) - self._at > 4 * LONGEST_LINE:
                break
            self._read_on()
        start, self._at = self._at, end.end() if end else len(self._block)
        return self._block[start : self._at]


def records(buffer: Buffer, before: int, delimiter: str) -> Iterator[Row]:
    """The records that stand here, by the exact reader, numbered after `before`."""
    number = before
    try:
        for cells in csv.reader(buffer.lines(before), delimiter=delimiter, strict=True):
            number += 1
            yield Row(number, cells)
    except csv.Error as error:
        raise FileRefused(_broken(number + 1, error)) from error


def _broken(row: int, error: csv.Error) -> RowError:
    """What the csv module found in a row. It has only words for it, and those in English."""
    if "field limit" in str(error):
        return RowError(row, "", "", "line_too_long", {"limit": LONGEST_CELL})
    return RowError(row, "", "", "broken_quotes")
