"""Files of movements of deposits: what is no amount and no moment, and what an account does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.shops.hostile import Case, Standing, Wrong, exact, merged, rejected, shown, unreadable
from tests.shops.hostile_cells import NO_NUMBERS

HEADERS = "reference,shop,kind,amount,at,note\n"
NOON = "2026-03-10 12:00:00+08:00"
LARGEST = "92233720368547758.07"


def movement(reference: str, shop: str, kind: str, amount: str, at: str = NOON, **more: str) -> Standing:
    return {reference: {"shop": shop, "kind": kind, "amount": amount, "at": at, **more}}


GOOD = "R1,S1,pay_in,100.00,2026-03-10 12:00,\n"
GOOD_STANDS = movement("R1", "S1", "pay_in", "100")


def beside_good(name: str, row: str, *wrong: Wrong) -> Case:
    """The good row in row 2, a bad one below."""
    return rejected(f"a movement {name}", "deposits", f"{HEADERS}{GOOD}{row}\n", *wrong, stands=GOOD_STANDS)


def cells() -> Iterator[Case]:
    for cell in NO_NUMBERS[:5]:
        wrong = (3, "amount", "bad_number")
        yield beside_good(f"of {shown(cell)}", f'R2,S1,pay_in,"{cell}",2026-03-10,', wrong)
    for amount, code in (
        ("", "missing_value"),
        ("0", "moves_nothing"),
        ("-0.00", "moves_nothing"),
        ("-5", "signed_amount"),
        ("0.001", "too_many_decimals"),
        ("92233720368547758.08", "out_of_range"),
        ("-92233720368547758.08", "out_of_range"),
    ):
        yield beside_good(f"of {amount} yuan", f"R2,S1,pay_in,{amount},2026-03-10,", (3, "amount", code))
    for at, code in (
        ("", "missing_value"),
        ("2026-02-30", "bad_moment"),
        ("2026-03-10 24:00", "bad_moment"),
        ("2026-03-10 12:60", "bad_moment"),
        ("2026-03-10 12", "bad_moment"),
        ("2026-03-10 12:00 PM", "bad_moment"),
        ("2026/03/10", "bad_moment"),
        ("46091.5", "bad_moment"),
        ("1999-12-31 12:00", "too_early"),
        ("2026-03-11 23:59:59", "future_moment"),
    ):
        yield beside_good(f"at {at}", f"R2,S1,pay_in,1,{at},", (3, "at", code))
    for name, row, column, code in (
        ("of an unknown shop", "R2,S9,pay_in,1,2026-03-10,", "shop", "unknown_shop"),
        ("of no shop", "R2,,pay_in,1,2026-03-10,", "shop", "missing_value"),
        ("without a reference", ",S1,pay_in,1,2026-03-10,", "reference", "missing_value"),
        ("of a kind nobody knows", "R2,S1,fee,1,2026-03-10,", "kind", "bad_choice"),
        ("that takes another back", "R2,S1,reversal,1,2026-03-10,", "kind", "bad_choice"),
        ("of an account that is empty", "R2,S2,deduct,0.01,2026-03-10,", "amount", "overdraft"),
        ("of more than there is", "R2,S1,refund,100.01,2026-03-10 13:00,", "amount", "overdraft"),
        ("before there is anything", "R2,S1,compensate,1,2026-03-10 11:59:59,", "amount", "overdraft"),
        ("below zero", "R2,S1,adjust,-100.01,2026-03-10 13:00,", "amount", "overdraft"),
        ("to more than is held", f"R2,S1,top_up,{LARGEST},2026-03-10 13:00,", "amount", "too_much_held"),
    ):
        yield beside_good(name, row, (3, column, code))
    for cell, at in (
        ("2026-03-10", "2026-03-10 00:00:00+08:00"),
        ("2026-03-10T12:00:00Z", "2026-03-10 20:00:00+08:00"),
        ("2026-03-10 12:00:00+00:00", "2026-03-10 20:00:00+08:00"),
        ("2026-03-10 12:00:00.000001", "2026-03-10 12:00:00.000001+08:00"),
        ("2026-03-11T07:00:00+09:00", "2026-03-11 06:00:00+08:00"),
    ):
        stands = movement("R1", "S1", "pay_in", "1", at)
        yield exact(f"a movement at {cell}", "deposits", f"{HEADERS}R1,S1,pay_in,1,{cell},\n", stands)


def accounts() -> Iterator[Case]:
    content = (
        f"{HEADERS}R1,S1,pay_in,{LARGEST},2026-03-10 12:00,all\nR2,S1,refund,{LARGEST},2026-03-10 12:00,\n"
    )
    stands = merged(
        movement("R1", "S1", "pay_in", LARGEST, note="all"), movement("R2", "S1", "refund", LARGEST)
    )
    yield exact("the largest movements", "deposits", content, stands)
    words = ("缴存", "补缴", "调整", "赔付", "扣划", "退回")
    kinds = ("pay_in", "top_up", "adjust", "compensate", "deduct", "refund")
    content = "流水号,店铺编码,变动类型,金额(元),发生时间\n" + "".join(
        f"R{number},S1,{word},1.5万,2026-03-10 12:0{number}\n" for number, word in enumerate(words)
    )
    yield exact(
        "movements in Chinese",
        "deposits",
        content,
        merged(
            *(
                movement(f"R{number}", "S1", kind, "15000", f"2026-03-10 12:0{number}:00+08:00")
                for number, kind in enumerate(kinds)
            )
        ),
    )
    # In the order of their moments, whatever that of the rows.
    content = f"{HEADERS}R2,S1,deduct,60,2026-03-10 13:00,\nR3,S1,adjust,-40,2026-03-10 14:00,\n{GOOD}"
    yield exact(
        "movements in any order",
        "deposits",
        content,
        merged(
            GOOD_STANDS,
            movement("R2", "S1", "deduct", "60", "2026-03-10 13:00:00+08:00"),
            movement("R3", "S1", "adjust", "-40", "2026-03-10 14:00:00+08:00"),
        ),
    )
    content = (
        f"{HEADERS}{GOOD}R2,S1,deduct,150,2026-03-10 13:00,\nR3,S1,deduct,80,2026-03-10 14:00,\n"
        "R4,S1,deduct,20.01,2026-03-10 15:00,\nR5,S1,deduct,20,2026-03-10 16:00,\n"
    )
    left = merged(
        GOOD_STANDS,
        movement("R3", "S1", "deduct", "80", "2026-03-10 14:00:00+08:00"),
        movement("R5", "S1", "deduct", "20", "2026-03-10 16:00:00+08:00"),
    )
    over: list[Wrong] = [(row, "amount", "overdraft") for row in (3, 5)]
    yield rejected("an overdraft is passed over", "deposits", content, *over, stands=left)
    both: list[Wrong] = [(row, "reference", "duplicate") for row in (2, 3)]
    content = f"{HEADERS}R2,S1,pay_in,1,2026-03-10,\nR2,S2,pay_in,1,2026-03-10,\n{GOOD}"
    yield rejected("a reference twice", "deposits", content, *both, stands=GOOD_STANDS)


def known() -> Iterator[Case]:
    before = f"{HEADERS}R2,S1,pay_in,7.50,2026-03-09 08:00,first\n".encode()
    again = "R2,S1,pay_in,7.5,2026-03-09T00:00:00Z,"
    for name, row, column in (
        ("of another shop", "R2,S2,pay_in,7.50,2026-03-09 08:00,first", "shop"),
        ("of another kind", "R2,S1,top_up,7.50,2026-03-09 08:00,first", "kind"),
        ("of another amount", "R2,S1,pay_in,7.51,2026-03-09 08:00,first", "amount"),
        ("of another moment", "R2,S1,pay_in,7.50,2026-03-09 08:01,first", "at"),
        ("with another note", "R2,S1,pay_in,7.50,2026-03-09 08:00,second", "note"),
    ):
        case = beside_good(f"known as one {name}", row, (3, column, "known_movement"))
        yield replace(case, before=before)
    stands = movement("R2", "S1", "pay_in", "7.5", "2026-03-09 08:00:00+08:00", note="first")
    yield replace(
        exact("a movement known as it is", "deposits", f"{HEADERS}{again}first\n", stands), before=before
    )
    yield replace(
        exact("a movement known with less", "deposits", f"{HEADERS}{again}\n", stands), before=before
    )
    yield unreadable(
        "movements without amounts",
        "deposits",
        "reference,shop,kind,at\nR1,S1,pay_in,2026-03-10\n",
        (1, "amount", "missing_column"),
    )


def cases() -> Iterator[Case]:
    for maker in (cells, accounts, known):
        yield from maker()
