"""A second reading of import files, written from their description alone: what has to stand afterwards.

It shares nothing with the product: its own CSV, its own grammar of numbers, its own few headers and words.
"""

from __future__ import annotations

import codecs
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.factories import DOUYIN, WECHAT
from tests.shops.hostile import KNOWN_ON, PRODUCTS, SHOPS


class Unreadable(Exception):
    """No file of this kind."""


class Bad(Exception):
    """No value of this column."""


Cell = Callable[[str], str]
# Metrics are kept for 36 whole months before the running one.
KEPT_FROM = date(KNOWN_ON.year - 3, KNOWN_ON.month, 1)
SHEET_ERRORS = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#FORMULA"]
NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def number(decimals: int, largest: str, *words: str, ten_thousands: bool = False) -> Cell:
    """Plain digits from 0 to `largest`; `words` are taken as `none`. 1.5万 may be 15000."""

    def read(cell: str) -> str:
        if cell.casefold() in words:
            return "none"
        if ten_thousands and cell.endswith("万"):
            whole, _point, fraction = cell[:-1].partition(".")
            if not NUMBER.fullmatch(cell[:-1]):
                raise Bad
            cell = f"{whole}{fraction[:4]:0<4}.{fraction[4:] or 0}"
        return told(in_bounds(digits(cell, decimals, point=decimals > 0), largest)) if cell else ""

    return read


def digits(cell: str, decimals: int, *, point: bool = True) -> Decimal:
    found = NUMBER.fullmatch(cell)
    if not found or (found[3] and not point):
        raise Bad
    if (found[3] or "")[decimals:].strip("0"):
        raise Bad
    return Decimal(f"{found[1]}{found[2]}.{(found[3] or '')[:decimals]}")


def in_bounds(value: Decimal, largest: str) -> Decimal:
    if not 0 <= value <= Decimal(largest):
        raise Bad
    return value


def told(value: Decimal) -> str:
    text = f"{abs(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rate(cell: str) -> str:
    if not cell:
        return ""
    if cell.endswith("%"):
        return told(in_bounds(digits(cell[:-1], 4), "100").scaleb(-2))
    return told(in_bounds(digits(cell, 6), "1"))


def flag(cell: str) -> str:
    words = {"": "", "1": "1", "true": "1", "是": "1", "0": "0", "false": "0", "否": "0"}
    return among(words)(cell.lower())


def among(words: Mapping[str, str]) -> Cell:
    def read(cell: str) -> str:
        if cell.casefold() not in words:
            raise Bad
        return words[cell.casefold()]

    return read


def day(latest: date | None, *, needed: bool, earliest: date = date(2000, 1, 1)) -> Cell:
    def read(cell: str) -> str:
        if not cell and not needed:
            return ""
        try:
            found = date(*map(int, re.fullmatch("([0-9]{4})-([0-9]{2})-([0-9]{2})", cell, re.ASCII).groups()))
        except (AttributeError, ValueError):
            raise Bad from None
        if found < earliest or (latest is not None and found > latest):
            raise Bad
        return cell

    return read


def text(longest: int, *, needed: bool = False, is_id: bool = False) -> Cell:
    refused = {"Cc", "Zl", "Zp", *(["Cf"] if is_id else [])}
    turning = "\ufffd\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

    def read(cell: str) -> str:
        if (needed and not cell) or len(cell) > longest:
            raise Bad
        if any(unicodedata.category(character) in refused or character in turning for character in cell):
            raise Bad
        if cell.upper() in SHEET_ERRORS:
            raise Bad
        if is_id and re.fullmatch(r"[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+", cell, re.ASCII):
            raise Bad
        return cell

    return read


def known_shop(cell: str) -> str:
    if cell not in SHOPS:
        raise Bad
    return cell


def alliance(cell: str) -> str:
    for name, others in {DOUYIN: "抖音精选联盟", WECHAT: "视频号优选联盟"}.items():
        if cell in (name, others):
            return name
    raise Bad


def words(**chinese: str) -> Cell:
    return among({**{word: word for word in chinese}, **{word: kept for kept, word in chinese.items()}})


SCORE = number(2, "5", "none", "暂无")
NAME_OF_SHOP = text(64, needed=True, is_id=True)
# Kind → headers in the order of the table → how a cell reads. The key stands first.
COLUMNS: dict[str, dict[str, Cell]] = {
    "metrics": {
        "shop": NAME_OF_SHOP,
        "day": day(KNOWN_ON, needed=True, earliest=KEPT_FROM),
        "gmv_30d": number(2, "99999999999999.99", ten_thousands=True),
        "paid_orders_30d": number(0, "2147483647"),
        "shop_score": SCORE,
        "experience_score": SCORE,
        "product_score": SCORE,
        "service_score": SCORE,
        "logistics_score": SCORE,
        "positive_rate": rate,
        "warehouse_passed": flag,
        "alliance_connected": flag,
        "erp_connected": flag,
        "freight_insurance": flag,
    },
    "enrollments": {
        "shop": NAME_OF_SHOP,
        "alliance": alliance,
        "state": words(applied="已申请", open="已开通", cleared="已清退", left="已退出"),
        "openings": number(0, "32767"),
        "opened_on": day(KNOWN_ON, needed=False),
        "closed_on": day(KNOWN_ON, needed=False),
        "cause": among(
            {"": "", "metric": "metric", "指标": "metric", "voluntary": "voluntary", "自愿": "voluntary"}
        ),
    },
    "qualifications": {
        "shop": NAME_OF_SHOP,
        "kind": words(brand="品牌", category="类目", licence="证照"),
        "brand": text(100),
        "valid_until": day(None, needed=False),
        "verdict": words(accepted="通过", rejected="驳回", pending="待审核"),
    },
    "shops": {
        "code": NAME_OF_SHOP,
        "name": text(200, needed=True),
        "shop_type": words(flagship="旗舰店", exclusive="专卖店", multi_brand="专营店", ordinary="普通店"),
        "category": text(60, needed=True),
        "goods_kind": words(physical="实物", virtual="虚拟", mixed="混合"),
        "status": words(preparing="筹备中", normal="正常", suspended="封禁", closed="已关店"),
        "account_ok": flag,
        "subject_kind": words(enterprise="企业", sole_trader="个体工商户"),
        "controller": text(64, is_id=True),
        "entered_on": day(None, needed=False),
        "contact": text(100),
        "phone": text(40, is_id=True),
    },
}
COLUMNS["products"] = {
    "code": NAME_OF_SHOP,
    "shop": NAME_OF_SHOP,
    "name": text(200, needed=True),
    "category": text(60, needed=True),
    "price": number(2, "999999999999.99"),
    "status": among(
        {"": "", "on_sale": "on_sale", "在售": "on_sale", "off_sale": "off_sale", "下架": "off_sale"}
    ),
}
COLUMNS["listings"] = {
    "product": NAME_OF_SHOP,
    "alliance": alliance,
    "state": words(applied="已申请", promoted="推广中", observed="观察期", stopped="停止推广"),
    "since": day(KNOWN_ON, needed=False),
}
COLUMNS["product_metrics"] = {
    "product": NAME_OF_SHOP,
    "day": day(KNOWN_ON, needed=True),
    "settled_orders": number(0, "2147483647"),
    "valid_paid_orders": number(0, "2147483647"),
    "quality_refunds": number(0, "2147483647"),
    "sales_amount": number(2, "99999999999999.99", ten_thousands=True),
}
MEASURED = {"metrics", "product_metrics"}
KEYS = {
    "metrics": 2,
    "enrollments": 2,
    "qualifications": 4,
    "shops": 1,
    "products": 1,
    "listings": 2,
    "product_metrics": 2,
}
OPTIONAL = {
    *("brand", "valid_until", "account_ok", "controller", "entered_on", "contact", "phone"),
    *("openings", "opened_on", "closed_on", "cause", "price", "status", "since"),
}


@dataclass(frozen=True)
class Reading:
    """How many rows there are, and what the good ones say: key cells with spaces between → column → value."""

    rows: int
    good: dict[str, dict[str, str]]
    # No byte order mark and no UTF-8: the desk may see two encodings where this reading sees one.
    guessed: bool


def read(kind: str, content: bytes) -> Reading:
    """Unreadable if it is no file of the kind."""
    characters, guessed = decoded(content)
    columns = COLUMNS[kind]
    tables = [_or_none(characters, delimiter) for delimiter in ",;\t"]
    tables = [_from_the_headers(table) for table in tables]
    known = [sum(header(cell) in columns for cell in table[0]) if table else -1 for table in tables]
    table = tables[known.index(max(known))]
    if not table:
        raise Unreadable
    headers = [header(cell) for cell in table[0]]
    optional = OPTIONAL - {"status"} if kind == "shops" else OPTIONAL
    if kind in MEASURED:
        optional = set(list(columns)[2:])
    if len(set(headers)) < len(headers) or not set(columns) - optional <= set(headers) <= set(columns):
        raise Unreadable
    if kind in MEASURED and len(headers) < 3:
        raise Unreadable
    rows = [cells for cells in table[1:] if any(cells)]
    if not rows:
        raise Unreadable
    return Reading(len(rows), _good(kind, headers, rows), guessed)


def _from_the_headers(table: list[list[str]] | None) -> list[list[str]]:
    """The rows from the first one with anything in it on."""
    return list(itertools.dropwhile(lambda cells: not any(map(str.strip, cells)), table or []))


def _good(kind: str, headers: list[str], rows: list[list[str]]) -> dict[str, dict[str, str]]:
    columns, key_columns = COLUMNS[kind], list(COLUMNS[kind])[: KEYS[kind]]
    keys: Counter[tuple[str, ...]] = Counter()
    whole = []
    for cells in rows:
        if len(cells) != len(headers):
            continue
        values, bad = {}, set()
        for name, cell in zip(headers, cells, strict=True):
            try:
                values[name] = columns[name](cell.strip())
            except Bad:
                bad.add(name)
        if not bad & set(key_columns):
            key = tuple(values.get(name, "") for name in key_columns)
            keys[key] += 1
            if not bad and _makes_sense(kind, values):
                if kind == "enrollments":
                    values["openings"] = str(_openings(values))
                whole.append((key, values))
    return {
        " ".join(filter(None, key)): {n: v for n, v in values.items() if v and n not in key_columns}
        for key, values in whole
        if keys[key] == 1
    }


def _makes_sense(kind: str, values: Mapping[str, str]) -> bool:
    if kind == "shops":
        return True
    if kind in ("listings", "product_metrics"):
        return values["product"] in PRODUCTS and not _refunded_too_often(values)
    if values["shop"] not in SHOPS:
        return False
    if kind == "products":
        # A product that stands never changes its shop.
        return values["code"] not in PRODUCTS or SHOPS[PRODUCTS.index(values["code"])] == values["shop"]
    if kind == "enrollments":
        return _enrolled(values)
    return kind != "qualifications" or values["kind"] != "brand" or bool(values.get("brand"))


def _refunded_too_often(values: Mapping[str, str]) -> bool:
    refunds, orders = values.get("quality_refunds"), values.get("valid_paid_orders")
    return refunds not in (None, "") and orders not in (None, "") and Decimal(refunds) > Decimal(orders)


def _enrolled(values: Mapping[str, str]) -> bool:
    state, openings = values["state"], _openings(values)
    opened, closed, cause = (values.get(name, "") for name in ("opened_on", "closed_on", "cause"))
    if openings > 3 and values["alliance"] == DOUYIN:
        return False
    if state in ("open", "cleared") and not openings:
        return False
    if state == "open" and (closed or cause):
        return False
    if (state == "applied" or not openings) and (opened or closed or cause):
        return False
    return not (opened and closed and closed < opened)


def _openings(values: Mapping[str, str]) -> int:
    """A shop that is or was in was let in once, unless the file says otherwise."""
    return int(values.get("openings") or values["state"] != "applied")


def header(cell: str) -> str:
    return cell.strip().casefold()


def decoded(content: bytes) -> tuple[str, bool]:
    """The text, and whether its encoding was guessed."""
    guessed = False
    try:
        if content.startswith(codecs.BOM_UTF8):
            found = content.decode("utf-8")
        elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            found = content.decode("utf-16")
        else:
            try:
                found = content.decode("utf-8")
            except UnicodeDecodeError:
                guessed = True
                found = content.decode("gb18030")
    except UnicodeDecodeError:
        raise Unreadable from None
    found = found.lstrip("\ufeff")
    if "\0" in found:
        raise Unreadable
    return found, guessed


def _or_none(characters: str, delimiter: str) -> list[list[str]] | None:
    try:
        return parsed(characters, delimiter)
    except Unreadable:
        return None


def parsed(characters: str, delimiter: str) -> list[list[str]]:
    """All rows, empty ones too. A quotation mark counts where a cell begins with it."""
    rows: list[list[str]] = []
    row: list[str] = []
    place, end = 0, len(characters)
    while place < end:
        if characters[place] == '"':
            cell, place = _quoted(characters, place + 1)
            if place < end and characters[place] not in (delimiter, "\r", "\n"):
                raise Unreadable
        else:
            start = place
            while place < end and characters[place] not in (delimiter, "\r", "\n"):
                place += 1
            cell = characters[start:place]
        row.append(cell)
        if place < end and characters[place] == delimiter:
            place += 1
            if place < end and characters[place] not in "\r\n":
                continue
            row.append("")
        place += 2 if characters.startswith("\r\n", place) else 1
        rows.append(row)
        row = []
    return rows


def _quoted(characters: str, place: int) -> tuple[str, int]:
    """The cell whose opening mark stands before `place`, and the place behind its closing one."""
    parts = []
    while (mark := characters.find('"', place)) >= 0:
        parts.append(characters[place:mark])
        if not characters.startswith('"', mark + 1):
            return '"'.join(parts), mark + 1
        place = mark + 2
    raise Unreadable
