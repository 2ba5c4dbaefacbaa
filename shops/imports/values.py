"""From a cell to a value, by a strict grammar: exact, or refused. Nothing is guessed and nothing rounded.

A parser takes a cell and returns its part of a line in COPY's CSV format: what it stages, joined by the
file's delimiter. Lines that `patterns` knows as good need none: they stage as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from shops.calendar import NAMEABLE, NAMEABLE_MOMENTS
from shops.imports.columns import Column, Type, spoken
from shops.pinyin import sort_key

Parser = Callable[[str], str]

# Unquoted, and so NULL; for a text, which is quoted, an empty one.
NULL = ""
NOT_YET = "NaN"
EARLIEST = NAMEABLE.first
NONE_YET = frozenset({"none", "暂无"})
FLAGS = {"1": "t", "true": "t", "是": "t", "0": "f", "false": "f", "否": "f"}

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_TEN_THOUSANDS = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)万")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
# What a spreadsheet makes of a long id that it takes for a number.
_ROUNDED = re.compile(r"[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+")
# What a spreadsheet shows instead of a value; this desk's own reader of workbooks says #FORMULA.
_SHEET_ERROR = re.compile(
    r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|BUSY!|UNKNOWN!"
    r"|ERROR!|GETTING_DATA|FORMULA)|#{3,}|Err:[0-9]{3}",
    re.IGNORECASE,
)
# U+FFFD stands where an earlier program failed to decode; U+202A and on, U+2066 and on turn a text around.
_BAD_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffd]")
# Two ids that look the same would be two shops. In names these join letters and emoji, or are no letters.
_INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u202f\u205f-\u206f\u2800\u3000"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class BadCell(Exception):
    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Memo(dict[str, str]):
    """Cells seen before: scores, days and flags repeat. Bounded, in count and in the length of a key."""

    def __init__(self, parse: Parser) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, cell: str) -> str:
        value = self._parse(cell)
        if len(cell) <= 40:
            if len(self) >= 20_000:
                self.clear()
            self[cell] = value
        return value


def parser(column: Column, delimiter: str) -> Parser:
    """The parser of a column's cells. It raises BadCell."""
    # Outer space carries nothing; platforms put a tab behind ids so that spreadsheets leave them alone.
    if column.type in (Type.ID, Type.TEXT):
        of_text = _PARSERS_OF_TEXTS[column.type](column, delimiter)
        return lambda cell: of_text(cell.strip())
    of_value = _PARSERS[column.type](column)
    return Memo(lambda cell: of_value(cell.strip())).__getitem__


def nothing(column: Column, delimiter: str) -> str:
    """What a bad cell stages."""
    return delimiter.join([NULL] * len(column.staged))


def moment(text: str) -> datetime:
    """An ISO 8601 moment, or a date for its midnight; in Asia/Shanghai where it names no zone.

    ValueError if it is neither.
    """
    if _DATE.fullmatch(text):
        text += "T00:00:00"
    found = parse_datetime(text)
    if found is None:
        raise ValueError(text)
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def day_or_moment(text: str) -> date | datetime:
    """The same as a cell of a file writes it: a day stays one. ValueError for what no column would take."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text) if _DATE.fullmatch(text) else moment(text)


def _text(column: Column, delimiter: str) -> Parser:
    words = {spoken(word): kept for kept, others in column.words.items() for word in (kept, *others)}
    with_key = column.pinyin

    def parse(cell: str) -> str:
        if not cell:
            if column.required:
                raise BadCell("missing_value")
            return nothing(column, delimiter)
        if column.required and not _INVISIBLE.sub("", cell):
            raise BadCell("missing_value")
        if len(cell) > column.length:
            raise BadCell("too_long", limit=column.length, found=len(cell))
        if _BAD_CHARACTER.search(cell):
            raise BadCell("bad_character")
        if _SHEET_ERROR.fullmatch(cell):
            raise BadCell("sheet_error")
        if words:
            cell = words.get(spoken(cell), cell)
        return f"{quoted(cell)}{delimiter}{quoted(sort_key(cell))}" if with_key else quoted(cell)

    return parse


def quoted(text: str) -> str:
    """A text as a cell that means itself, whatever stands in it."""
    return '"' + text.replace('"', '""') + '"'


def _id(column: Column, delimiter: str) -> Parser:
    text = _text(column, delimiter)

    def parse(cell: str) -> str:
        if _ROUNDED.fullmatch(cell):
            raise BadCell("rounded_id")
        if _INVISIBLE.search(cell):
            raise BadCell("bad_character")
        return text(cell)

    return parse


def _choice(column: Column) -> Parser:
    words = {spoken(word): str(kept) for kept, others in column.words.items() for word in (kept, *others)}
    choices = ", ".join(f"{kept} ({others[0]})" for kept, others in column.words.items())

    def parse(cell: str) -> str:
        if not cell:
            if column.required:
                raise BadCell("missing_value")
            return ""
        kept = words.get(spoken(cell))
        if kept is None:
            raise BadCell("bad_choice", choices=choices)
        return kept

    return parse


def _date(column: Column) -> Parser:
    def parse(cell: str) -> str:
        if not cell:
            if column.required:
                raise BadCell("missing_value")
            return NULL
        if not _DATE.fullmatch(cell):
            raise BadCell("bad_date")
        try:
            found = date.fromisoformat(cell)
        except ValueError:
            raise BadCell("bad_date") from None
        if found < EARLIEST:
            raise BadCell("too_early", earliest=EARLIEST.isoformat())
        return cell

    return parse


def _moment(column: Column) -> Parser:
    def parse(cell: str) -> str:
        if not cell:
            if column.required:
                raise BadCell("missing_value")
            return NULL
        if not _MOMENT.fullmatch(cell):
            raise BadCell("bad_moment")
        try:
            found = moment(cell)
        except ValueError:
            raise BadCell("bad_moment") from None
        if found < NAMEABLE_MOMENTS.first:
            raise BadCell("too_early", earliest=EARLIEST.isoformat())
        if not NAMEABLE_MOMENTS.holds(found):
            raise BadCell("too_late", latest=NAMEABLE.last.isoformat())
        return cell

    return parse


def _flag(column: Column) -> Parser:
    def parse(cell: str) -> str:
        if not cell:
            return NULL
        try:
            return FLAGS[cell.lower()]
        except KeyError:
            raise BadCell("bad_flag") from None

    return parse


def _kept_decimals(number: str, decimals: int) -> str:
    """The number without the zeros beyond its decimals: they say nothing, and numeric holds only so many."""
    whole, _point, fraction = number.partition(".")
    if len(fraction) <= decimals:
        return number
    if fraction[decimals:].strip("0"):
        raise BadCell("too_many_decimals", decimals=decimals)
    return f"{whole}.{fraction[:decimals]}" if decimals else whole


def _exact(cell: str, column: Column) -> str:
    """A number within the column's bounds, exactly as written. Zeros at the end are no further decimals."""
    number = _kept_decimals(cell, column.decimals)
    if not column.minimum <= Decimal(number) <= column.maximum:
        raise BadCell("out_of_range", **_bounds(column))
    return number


def _bounds(column: Column) -> dict[str, str]:
    return {"minimum": f"{column.minimum:f}", "maximum": f"{column.maximum:f}"}


def _number(column: Column) -> Parser:
    def parse(cell: str) -> str:
        if not cell:
            if column.required:
                raise BadCell("missing_value")
            return NULL
        if column.ten_thousands and (written := _TEN_THOUSANDS.fullmatch(cell)):
            # By its digits: arithmetic would round what is too long.
            sign, digits, exponent = Decimal(written[1]).as_tuple()
            cell = f"{Decimal((sign, digits, int(exponent) + 4)):f}"
        if not _NUMBER.fullmatch(cell) or (not column.decimals and "." in cell):
            raise BadCell("bad_number" if column.decimals else "bad_integer")
        return _exact(cell, column)

    return parse


def _score(column: Column) -> Parser:
    def parse(cell: str) -> str:
        if not cell:
            return NULL
        if cell.lower() in NONE_YET:
            return NOT_YET
        if not _NUMBER.fullmatch(cell):
            if (column.minimum, column.maximum) == (Decimal(0), Decimal(5)):
                raise BadCell("bad_score")
            raise BadCell("bad_score_of", **_bounds(column))
        return _exact(cell, column)

    return parse


def _rate(column: Column) -> Parser:
    def parse(cell: str) -> str:
        if not cell:
            return NULL
        number = cell.removesuffix("%")
        if not _NUMBER.fullmatch(number):
            raise BadCell("bad_rate")
        percent = number != cell
        share = Decimal(_kept_decimals(number, column.decimals - 2 * percent))
        if percent:
            share = share.scaleb(-2)
        if not 0 <= share <= 1:
            raise BadCell("rate_out_of_range")
        if not column.minimum <= share <= column.maximum:
            raise BadCell("out_of_range", **_bounds(column))
        return f"{share:f}"

    return parse


_PARSERS_OF_TEXTS: dict[Type, Callable[[Column, str], Parser]] = {Type.ID: _id, Type.TEXT: _text}
_PARSERS: dict[Type, Callable[[Column], Parser]] = {
    Type.CHOICE: _choice,
    Type.DATE: _date,
    Type.MOMENT: _moment,
    Type.FLAG: _flag,
    Type.NUMBER: _number,
    Type.SCORE: _score,
    Type.RATE: _rate,
}
