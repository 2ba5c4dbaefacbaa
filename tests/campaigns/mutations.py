"""Good import files, and what may happen to them on their way: from a flipped bit to a mixed-up table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.factories import DAY, DOUYIN, WECHAT
from tests.shops.hostile import LONG_ID, corpus, lines
from tests.shops.hostile_cells import BEYOND, EXACT_NUMBERS, NO_DATES, NO_NUMBERS
from tests.shops.hostile_texts import NO_TEXT, NOT_S1, ROUNDED, TEXTS
from tests.shops.importing import METRICS_HEADERS

Grid = list[list[str]]

METRICS: Grid = [
    METRICS_HEADERS.split(","),
    *(
        [shop, day, "120000.50", "900", "4.8", "4.60", "none", "4", "5", "96%", "1", "0", "true", "否"]
        for shop in ("S1", "S2", "S3", LONG_ID)
        for day in (f"{DAY - timedelta(days=1)}", f"{DAY}")
    ),
]
ENROLLMENTS: Grid = [
    ["shop", "alliance", "state", "openings", "opened_on", "closed_on", "cause"],
    ["S1", DOUYIN, "open", "3", "2026-01-05", "", ""],
    ["S1", WECHAT, "cleared", "9", "2025-12-31", "2026-02-28", "metric"],
    ["S2", "抖音精选联盟", "已申请", "", "", "", ""],
    ["S3", DOUYIN, "left", "", "", "2026-03-10", "自愿"],
    [LONG_ID, WECHAT, "left", "0", "", "", ""],
]
PAPERS: Grid = [
    ["shop", "kind", "brand", "valid_until", "verdict"],
    ["S1", "brand", "青禾店铺", "2027-01-01", "accepted"],
    ["S1", "brand", 'a "b", c; d', "", "pending"],
    ["S2", "品牌", "云舟", "2026-12-31", "驳回"],
    ["S3", "licence", "", "", "通过"],
    [LONG_ID, "category", "一叶", "2030-02-28", "accepted"],
]
SHOPS: Grid = [
    [
        *("code", "name", "shop_type", "category", "goods_kind", "status", "subject_kind"),
        *("account_ok", "controller", "entered_on", "contact", "phone"),
    ],
    [
        *("N1", "张三旗舰店", "flagship", "beauty", "physical", "normal", "enterprise"),
        *("1", "C1", "2024-01-15", "李四", "13800138000"),
    ],
    ["N2", "𠮷野家", "ordinary", "food", "mixed", "正常", "sole_trader", "", "", "", "", ""],
    [
        *("2534567890123456780", "=1+1", "专营店", "一级", "virtual", "closed", "企业"),
        *("否", "", "2024-02-29", "a,b", "+86 21"),
    ],
    ["N4", "店", "exclusive", "beauty", "physical", "封禁", "enterprise", "0", "C1", "2025-12-31", "", "021"],
]
PRODUCTS: Grid = [
    ["code", "shop", "name", "category", "price", "status"],
    ["H1", "S1", "口红", "beauty", "9.90", "on_sale"],
    ["H2", "S2", '=面霜, "大"', "beauty", "", "下架"],
    ["G1", "S1", "G1", "food", "0", ""],
    ["2534567890123456780", LONG_ID, "店", "一级", "999999999999.99", "在售"],
]
LISTINGS: Grid = [
    ["product", "alliance", "state", "since"],
    ["G1", DOUYIN, "promoted", "2026-01-05"],
    ["G1", WECHAT, "观察期", ""],
    ["G2", "抖音精选联盟", "已申请", "2026-03-10"],
    [LONG_ID, WECHAT, "stopped", "2024-02-29"],
]
PRODUCT_METRICS: Grid = [
    ["product", "day", "settled_orders", "valid_paid_orders", "quality_refunds", "sales_amount"],
    *(
        [product, day, "30", "100", "7", "5000.01"]
        for product in ("G1", "G2", "G3", LONG_ID)
        for day in (f"{DAY - timedelta(days=1)}", f"{DAY}")
    ),
]
GOOD = {
    "metrics": METRICS,
    "shops": SHOPS,
    "enrollments": ENROLLMENTS,
    "qualifications": PAPERS,
    "products": PRODUCTS,
    "listings": LISTINGS,
    "product_metrics": PRODUCT_METRICS,
}
ENCODINGS = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "gb18030", "utf-16"]
CELLS = [
    *(*NO_NUMBERS, *NO_DATES, *TEXTS[:20], *NO_TEXT, *NOT_S1, *ROUNDED),
    *("", " ", "0", "-0", "none", "S1", "N1", f"{DAY}"),
    *(cell for _column, cell, _code in BEYOND),
    *(cell for _column, cell, _value in EXACT_NUMBERS),
]
OTHERS = [case.content for case in corpus() if 0 < len(case.content) < 2000]


@dataclass(frozen=True)
class Mutant:
    kind: str
    content: bytes
    how: str


def mutant(seed: int) -> Mutant:
    """The file of that number."""
    draw = Random(seed)
    kind = draw.choices(list(GOOD), [3, 1, 1, 1, 1, 1, 1])[0]
    grid = [list(row) for row in GOOD[kind]]
    how = []
    for change in _some(draw, IN_THE_TABLE):
        change(draw, grid)
        how.append(change.__name__)
    text = lines(*grid)
    for rewrite in _some(draw, IN_THE_TEXT):
        text = rewrite(draw, text)
        how.append(rewrite.__name__)
    encoding = draw.choice(ENCODINGS)
    content = text.encode(encoding)
    for damage in _some(draw, IN_THE_BYTES):
        content = damage(draw, content)
        how.append(damage.__name__)
    return Mutant(kind, content, ", ".join([encoding, *how]))


def _some(draw: Random, changes: list[Callable]) -> list[Callable]:
    return draw.choices(changes, k=draw.choice([0, 0, 1, 1, 2]))


# Of the table: nothing but the order may be lost.


def odd_cell(draw: Random, grid: Grid) -> None:
    row = draw.choice(grid[1:])
    row[draw.randrange(len(row))] = draw.choice(CELLS)


def odd_header(draw: Random, grid: Grid) -> None:
    at = draw.randrange(len(grid[0]))
    grid[0][at] = draw.choice(["", "x", grid[0][0], grid[0][at].upper(), f" {grid[0][at]}\t", *CELLS[:5]])


def columns_shuffled(draw: Random, grid: Grid) -> None:
    width = min(map(len, grid))
    order = draw.sample(range(width), width)
    grid[:] = [[row[at] for at in order] for row in grid]


def columns_swapped_in_one_row(draw: Random, grid: Grid) -> None:
    row = draw.choice(grid)
    one, other = draw.randrange(len(row)), draw.randrange(len(row))
    row[one], row[other] = row[other], row[one]


def column_left_out(draw: Random, grid: Grid) -> None:
    at = draw.randrange(min(map(len, grid)))
    for row in grid:
        del row[at]


def row_doubled(draw: Random, grid: Grid) -> None:
    grid.insert(draw.randint(1, len(grid)), list(draw.choice(grid[1:])))


def row_left_out(draw: Random, grid: Grid) -> None:
    if len(grid) > 2:
        del grid[draw.randrange(1, len(grid))]


def row_of_another_length(draw: Random, grid: Grid) -> None:
    row = draw.choice(grid)
    row.insert(draw.randint(0, len(row)), draw.choice(CELLS))


def rows_shuffled(draw: Random, grid: Grid) -> None:
    grid[1:] = draw.sample(grid[1:], len(grid) - 1)


IN_THE_TABLE = [
    *(
        odd_cell,
        odd_cell,
        odd_cell,
        odd_header,
        column_left_out,
        columns_shuffled,
        columns_swapped_in_one_row,
    ),
    *(row_doubled, row_left_out, row_of_another_length, rows_shuffled),
]

# Of the text.


def delimiter_replaced(draw: Random, text: str) -> str:
    return text.replace(",", draw.choice(";\t|"))


def line_ends_replaced(draw: Random, text: str) -> str:
    return text.replace("\n", draw.choice(["\r\n", "\r", "\n\n", "\n,\n"]))


def quote_put_in(draw: Random, text: str) -> str:
    return put_in(text, draw.randint(0, len(text)), '"')


def token_put_in(draw: Random, text: str) -> str:
    return put_in(
        text, draw.randint(0, len(text)), draw.choice([*CELLS, ",", ";", "\n", "\r", "\t", "\\", "'"])
    )


def character_doubled(draw: Random, text: str) -> str:
    at = draw.randrange(len(text))
    return put_in(text, at, text[at])


def all_quoted(draw: Random, text: str) -> str:
    return "".join(f'"{line}"\n' for line in text.replace(",", '","').split("\n"))


def put_in(text: str, at: int, what: str) -> str:
    return text[:at] + what + text[at:]


IN_THE_TEXT = [
    delimiter_replaced,
    line_ends_replaced,
    quote_put_in,
    token_put_in,
    character_doubled,
    all_quoted,
]

# Of the bytes.


def bit_flipped(draw: Random, content: bytes) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]


def byte_replaced(draw: Random, content: bytes) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + draw.randbytes(1) + content[at + 1 :]


def cut(draw: Random, content: bytes) -> bytes:
    return content[: draw.randint(1, len(content))]


def middle_lost(draw: Random, content: bytes) -> bytes:
    start = draw.randrange(len(content))
    return content[:start] + content[start + draw.randint(1, 40) :] or b"x"


def spliced(draw: Random, content: bytes) -> bytes:
    other = draw.choice(OTHERS)
    return content[: draw.randint(1, len(content))] + other[draw.randrange(len(other)) :]


def sent_on_in_another_encoding(draw: Random, content: bytes) -> bytes:
    """As programs do that read a file by the wrong encoding and write it again."""
    wrong = draw.choice(["latin-1", "gb18030", "utf-8", "cp1252"])
    then = draw.choice(["utf-8", "gb18030", "utf-16"])
    return content.decode(wrong, "replace").encode(then)


def half_in_another_encoding(draw: Random, content: bytes) -> bytes:
    at = content.find(b"\n", draw.randrange(len(content))) + 1
    return content[:at] + content[at:].decode("utf-8", "replace").encode("gb18030")


IN_THE_BYTES = [
    *(bit_flipped, bit_flipped, byte_replaced, cut, middle_lost, spliced),
    *(sent_on_in_another_encoding, half_in_another_encoding),
]
