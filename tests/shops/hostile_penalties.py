"""Files of penalties: what is no case, what contradicts another, and what is known already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.factories import DOUYIN, WECHAT
from tests.shops.hostile import LONG_ID, Case, Standing, Wrong, exact, merged, rejected, shown, unreadable
from tests.shops.hostile_cells import NO_NUMBERS

HEADERS = (
    "reference,shop,violation,imposed_at,alliance,product,status,ends_at,points,deposit_deducted,reason\n"
)
NOON = "2026-03-10 12:00:00+08:00"


def penalty(reference: str, shop: str, violation: str, status: str = "imposed", **more: str) -> Standing:
    return {reference: {"shop": shop, "violation": violation, "imposed_at": NOON, "status": status, **more}}


GOOD = "P1,S1,V8,2026-03-10 12:00,,,imposed,2027-03-01,4,12.50,late dispatch\n"
# Its points count until the year is over: longer than the end that the platform gives.
GOOD_STANDS = penalty(
    "P1",
    "S1",
    "V8",
    ends_at="2027-03-01 00:00:00+08:00",
    points="4",
    deposit_deducted="12.5",
    reason="late dispatch",
)


def beside_good(name: str, row: str, *wrong: Wrong) -> Case:
    """The good row in row 2, a bad one below."""
    return rejected(f"a penalty {name}", "penalties", f"{HEADERS}{GOOD}{row}\n", *wrong, stands=GOOD_STANDS)


def cells() -> Iterator[Case]:
    for cell in NO_NUMBERS[:5]:
        for column, row in (
            ("points", f'P2,S1,V8,2026-03-10,,,,,"{cell}",,'),
            ("deposit_deducted", f'P2,S1,V8,2026-03-10,,,,,,"{cell}",'),
        ):
            code = "bad_integer" if column == "points" else "bad_number"
            yield beside_good(f"with {column} {shown(cell)}", row, (3, column, code))
    for name, row, column, code in (
        ("of an unknown shop", "P2,S9,V8,2026-03-10,,,,,,,", "shop", "unknown_shop"),
        ("of no shop", "P2,,V8,2026-03-10,,,,,,,", "shop", "missing_value"),
        ("without a reference", ",S1,V8,2026-03-10,,,,,,,", "reference", "missing_value"),
        ("with a rounded reference", "2.53E+18,S1,V8,2026-03-10,,,,,,,", "reference", "rounded_id"),
        ("for an unknown violation", "P2,S1,V99,2026-03-10,,,,,,,", "violation", "unknown_violation"),
        ("for a violation by half", "P2,S1,V,2026-03-10,,,,,,,", "violation", "unknown_violation"),
        ("for no violation", "P2,S1,,2026-03-10,,,,,,,", "violation", "missing_value"),
        ("of no moment", "P2,S1,V8,,,,,,,,", "imposed_at", "missing_value"),
        ("of a day that is none", "P2,S1,V8,2026-02-30,,,,,,,", "imposed_at", "bad_moment"),
        ("of tomorrow", "P2,S1,V8,2026-03-12,,,,,,,", "imposed_at", "future_moment"),
        ("of the last century", "P2,S1,V8,1999-12-31 23:59,,,,,,,", "imposed_at", "too_early"),
        ("that ends in no time", "P2,S1,V8,2026-03-10,,,,9999-12-31 23:59,,,", "ends_at", "too_late"),
        ("in an unknown alliance", "P2,S1,V8,2026-03-10,douyin,,,,,,", "alliance", "unknown_alliance"),
        ("in another alliance", f"P2,S1,WS-V1,2026-03-10,{DOUYIN},,,,,,", "alliance", "other_alliance"),
        ("for an unknown product", "P2,S1,V8,2026-03-10,,G9,,,,,", "product", "unknown_product"),
        ("for another's product", "P2,S1,V8,2026-03-10,,G2,,,,,", "product", "not_the_shops_product"),
        ("of a status nobody knows", "P2,S1,V8,2026-03-10,,,done,,,,", "status", "bad_choice"),
        ("of the desk's own status", "P2,S1,V8,2026-03-10,,,overturned,,,,", "status", "bad_choice"),
        (
            "that ends before it begins",
            "P2,S1,V8,2026-03-10 12:00,,,,2026-03-10 12:00,,,",
            "ends_at",
            "ends_before_it_begins",
        ),
        ("that is reported with points", "P2,S1,V8,2026-03-10,,,reported,,4,,", "points", "only_reported"),
        (
            "that is reported with money",
            "P2,S1,V8,2026-03-10,,,reported,,,0.01,",
            "deposit_deducted",
            "only_reported",
        ),
        (
            "that is reported with an end",
            "P2,S1,V8,2026-03-10,,,reported,2026-04-10,,,",
            "ends_at",
            "only_reported",
        ),
        ("of a part of a point", "P2,S1,V8,2026-03-10,,,,,0.5,,", "points", "bad_integer"),
        ("of fewer points than none", "P2,S1,V8,2026-03-10,,,,,-4,,", "points", "out_of_range"),
        ("of too many points", "P2,S1,V8,2026-03-10,,,,,32768,,", "points", "out_of_range"),
        ("of a part of a fen", "P2,S1,V8,2026-03-10,,,,,,0.001,", "deposit_deducted", "too_many_decimals"),
        ("that pays out", "P2,S1,V8,2026-03-10,,,,,,-1,", "deposit_deducted", "out_of_range"),
        ("of a long reason", f"P2,S1,V8,2026-03-10,,,,,,,{'长' * 2001}", "reason", "too_long"),
    ):
        yield beside_good(name, row, (3, column, code))
    yield beside_good(
        "all wrong",
        "P2,S9,V99,2026-13-01,x,G9,?,soon,x,y,\x07",
        (3, "shop", "unknown_shop"),
        (3, "violation", "unknown_violation"),
        (3, "imposed_at", "bad_moment"),
        (3, "alliance", "unknown_alliance"),
        (3, "product", "unknown_product"),
        (3, "status", "bad_choice"),
        (3, "ends_at", "bad_moment"),
        (3, "points", "bad_integer"),
        (3, "deposit_deducted", "bad_number"),
        (3, "reason", "bad_character"),
    )
    both: list[Wrong] = [(row, "reference", "duplicate") for row in (3, 4)]
    content = f"{HEADERS}{GOOD}P2,S1,V8,2026-03-10,,,,,,,\nP2,S2,V1,2026-03-10,,,,,,,\n"
    yield rejected("a case twice", "penalties", content, *both, stands=GOOD_STANDS)


def taken() -> Iterator[Case]:
    yield exact("a penalty", "penalties", HEADERS + GOOD, GOOD_STANDS)
    short = "reference,shop,violation,imposed_at\n"
    stands = penalty("P2", "S2", "V9")
    yield exact("a penalty of little", "penalties", f"{short}P2,S2,V9,2026-03-10 12:00\n", stands)
    yield exact(
        "a penalty of nothing",
        "penalties",
        f"{HEADERS}P2,S2,V9,2026-03-10 12:00,,,,,0,0.00,\n",
        stands,
    )
    yield exact(
        "a penalty in another zone",
        "penalties",
        f"{short}P2,S2,V9,2026-03-10T04:00:00Z\n",
        stands,
    )
    yield exact(
        "a case that is reported",
        "penalties",
        f"{HEADERS}P2,S2,V11,2026-03-10 12:00,{WECHAT},G2,reported,,,,有风险\n",
        penalty("P2", "S2", "V11", "reported", alliance=WECHAT, product="G2", reason="有风险"),
    )
    yield exact(
        "a penalty in Chinese",
        "penalties",
        "处罚编号,店铺ID,违规类型,处罚时间,联盟,商品ID,处罚状态,扣除保证金(元)\n"
        f"{LONG_ID},{LONG_ID},大规模损害买家权益,2026-03-10 12:00,抖音精选联盟,{LONG_ID},已处罚,1.5万\n",
        penalty(LONG_ID, LONG_ID, "V8", alliance=DOUYIN, product=LONG_ID, deposit_deducted="15000"),
    )


def known() -> Iterator[Case]:
    before = f"{HEADERS}P2,S1,V8,2026-03-10 12:00,{DOUYIN},G1,imposed,2027-06-01,2,7.50,first\n".encode()
    was = penalty(
        "P2",
        "S1",
        "V8",
        alliance=DOUYIN,
        product="G1",
        ends_at="2027-06-01 00:00:00+08:00",
        points="2",
        deposit_deducted="7.5",
        reason="first",
    )
    rest = f"{DOUYIN},G1,imposed,2027-06-01,2,7.50,first"
    for column, row in (
        ("violation", f"P2,S1,V9,2026-03-10 12:00,{rest}"),
        ("imposed_at", f"P2,S1,V8,2026-03-10 12:00:01,{rest}"),
        ("alliance", f"P2,S1,V8,2026-03-10 12:00,{WECHAT},G1,imposed,2027-06-01,2,7.50,first"),
        ("status", f"P2,S1,V8,2026-03-10 12:00,{DOUYIN},G1,reported,,,,first"),
        ("ends_at", f"P2,S1,V8,2026-03-10 12:00,{DOUYIN},G1,imposed,2027-06-02,2,7.50,first"),
        ("points", f"P2,S1,V8,2026-03-10 12:00,{DOUYIN},G1,imposed,2027-06-01,0,7.50,first"),
        ("deposit_deducted", f"P2,S1,V8,2026-03-10 12:00,{DOUYIN},G1,imposed,2027-06-01,2,7.51,first"),
        ("reason", f"P2,S1,V8,2026-03-10 12:00,{DOUYIN},G1,imposed,2027-06-01,2,7.50,second"),
    ):
        case = beside_good(f"known with another {column}", row, (3, column, "known_case"))
        yield replace(case, before=before)
    case = beside_good(
        "known as another shop's",
        f"P2,S2,V8,2026-03-10 12:00,{DOUYIN},,imposed,2027-06-01,2,7.50,first",
        (3, "shop", "known_case"),
    )
    yield replace(case, before=before)
    for name, row in (
        ("as it is", f"P2,S1,V8,2026-03-10T12:00:00+08:00,{DOUYIN},G1,已处罚,2027-06-01 00:00,2,7.5,first"),
        ("with less", "P2,S1,V8,2026-03-10 12:00,,,,,,,"),
    ):
        yield replace(exact(f"a penalty known {name}", "penalties", f"{HEADERS}{row}\n", was), before=before)
    yield replace(
        exact("a penalty beside a known one", "penalties", HEADERS + GOOD, merged(was, GOOD_STANDS)),
        before=before,
        rows=1,
    )
    yield unreadable(
        "penalties without moments",
        "penalties",
        "reference,shop,violation\nP1,S1,V8\n",
        (1, "imposed_at", "missing_column"),
    )


def cases() -> Iterator[Case]:
    for maker in (cells, taken, known):
        yield from maker()
