"""A deduction and the money that it takes come in as files: in any order it ends alike, to the fen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import accounts, deposits, lessening, penalties, topups
from shops.models import DepositEntry, Penalty, Shop, TopUp
from tests.factories import AT, make_shop
from tests.shops.accounting import entered, owed_of, paid_in, sound, statement, taken_back
from tests.shops.importing import bring, counts, errors

CASES = "reference,shop,violation,imposed_at,status,deposit_deducted\n"
MOVEMENTS = "reference,shop,kind,amount,at,penalty\n"
CASE = f"{CASES}P1,S1,V8,2026-03-05 09:30,imposed,30.05\n"
PAID = f"{MOVEMENTS}M1,S1,pay_in,100,2026-03-01 08:00,\n"
LATER = AT + timedelta(days=1)
KINDS = st.sampled_from(["pay_in", "top_up", "adjust", "compensate", "adjust down", "deduct"])


@pytest.mark.django_db
def test_what_was_paid_in_and_comes_in_after_the_penalty_meets_its_shortage() -> None:
    shop = make_shop(code="S1")
    bring("penalties", CASE)
    [owed] = TopUp.objects.all()
    assert (owed.state, owed_of(shop)) == ("open", 30_05)
    batch = bring("deposits", PAID)
    owed.refresh_from_db()
    assert (owed.state, owed.history.count(), accounts.balance_of(shop)) == ("settled", 2, 69_95)
    [entry] = DepositEntry.objects.filter(kind="collect")
    [measure] = Penalty.objects.get().measures.all()
    # Not before the penalty, although the money was there.
    assert (entry.measure, entry.at, entry.batch) == (measure, measure.applied_at, batch)
    assert counts(bring("deposits", PAID)) == (1, 0, 0, 1, 0)
    assert (accounts.balance_of(shop), sound()) == (69_95, True)


@pytest.mark.django_db
def test_what_the_file_spends_itself_is_not_there_for_the_shortage() -> None:
    shop = make_shop(code="S1")
    bring("penalties", CASE)
    batch = bring("deposits", f"{PAID}M2,S1,compensate,80,2026-03-07,\n")
    assert (errors(batch), accounts.balance_of(shop), owed_of(shop)) == ([], 0, 10_05)
    assert sound()


@pytest.mark.django_db
def test_a_shortage_that_was_met_in_this_way_goes_back_with_its_penalty() -> None:
    shop = make_shop(code="S1")
    bring("penalties", CASE)
    demanded = topups.demand(shop=shop, amount_fen=5_00, by=None, at=AT, key="short of the requirement")
    bring("deposits", PAID)
    penalties.overturn(Penalty.objects.get(), by=None, at=LATER, reason="granted")
    demanded.refresh_from_db()
    # It was paid in, and not for what is due.
    assert (accounts.balance_of(shop), demanded.state, owed_of(shop), sound()) == (100_00, "open", 5_00, True)


@pytest.mark.django_db
def test_a_payment_in_that_met_a_shortage_is_taken_back_and_the_shortage_is_due_again() -> None:
    shop = make_shop(code="S1")
    bring("penalties", CASE)
    bring("deposits", PAID)
    taken_back(DepositEntry.objects.get(reference="M1"))
    assert (accounts.balance_of(shop), owed_of(shop), sound()) == (0, 30_05, True)


@pytest.mark.django_db
def test_what_finance_enters_itself_ends_as_from_a_file() -> None:
    shop = make_shop(code="S1")
    bring("penalties", CASE)
    paid_in(shop, 20_00)
    [owed] = TopUp.objects.all()
    assert (accounts.balance_of(shop), owed.state) == (0, "open")
    entered(deposits.adjust, shop, 30_00)
    owed.refresh_from_db()
    assert (accounts.balance_of(shop), owed.state, sound()) == (19_95, "settled", True)
    kinds = [kind for _number, kind, *_fen in statement(shop)]
    assert kinds == ["pay_in", "collect", "adjust", "collect"]


@pytest.mark.django_db
def test_a_refund_that_bounces_is_there_for_what_a_deduction_found_missing() -> None:
    shop = make_shop(code="S1")
    paid_in(shop, 50_00)
    refund = entered(deposits.refund, shop, 50_00)
    bring("penalties", CASE)
    taken_back(refund)
    [owed] = TopUp.objects.all()
    assert (accounts.balance_of(shop), owed.state, sound()) == (19_95, "settled", True)


@dataclass(frozen=True)
class Files:
    """`fen` of each penalty, in the order in which they were imposed, and what it is lessened to in the end;
    two files of movements; what was there before. `moved`: what the movements come to, without those that a
    penalty has made.
    """

    opening: int
    fen: list[int]
    less: list[int]
    movements: tuple[str, str]
    moved: int

    @property
    def penalties(self) -> str:
        rows = [
            f"P{n},S1,V8,2026-03-0{n + 1} 09:30,imposed,{yuan(fen)}\n" for n, fen in enumerate(self.fen, 1)
        ]
        # In a file the order of the rows says nothing.
        return CASES + "".join(reversed(rows))

    def due(self) -> dict[str, int]:
        """Of each penalty what is left due: the first one finds what there is."""
        there, due = self.opening + self.moved, {}
        for number, fen in enumerate(self.fen, 1):
            if fen > there:
                due[f"P{number}"] = fen - there
            there = max(there - fen, 0)
        return due

    def balance(self) -> int:
        return max(self.opening + self.moved - sum(self.fen), 0)


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


@st.composite
def files(draw: st.DrawFn) -> Files:
    """Of which no movement takes what its own file has not brought: none is refused in any order."""
    fen = draw(st.lists(st.integers(1, 300), min_size=1, max_size=3))
    named = set[int]()
    written, moved, number = ["", ""], 0, 0
    for place in range(2):
        there = 0
        for _ in range(draw(st.integers(0, 5))):
            number += 1
            kind = draw(KINDS)
            case, amount = "", draw(st.integers(1, 250))
            if kind == "deduct":
                which = draw(st.integers(1, len(fen)))
                if which in named or fen[which - 1] > there:
                    continue
                named.add(which)
                case, amount = f"P{which}", fen[which - 1]
                there -= amount
            elif kind in ("compensate", "adjust down"):
                if amount > there:
                    continue
                there -= amount
                moved -= amount
            else:
                # A payment of what is owed is deducted at once, so that nothing else is paid of it.
                there += amount if kind != "top_up" else 0
                moved += amount
            sign, kind = ("-", "adjust") if kind == "adjust down" else ("", kind)
            day = f"2026-03-01 {number:02}:00"
            written[place] += f"M{number},S1,{kind},{sign}{yuan(amount)},{day},{case}\n"
    less = [draw(st.integers(1, one)) for one in fen]
    return Files(draw(st.sampled_from([0, 0, 1, 120])), fen, less, (written[0], written[1]), moved)


def account(shop: Shop) -> tuple[int, dict[str, int]]:
    """The balance, and what is due by penalty."""
    owed = TopUp.objects.filter(shop=shop, state="open").select_related("measure__penalty")
    due = {one.measure.penalty.reference: topups.outstanding_of(one) for one in owed if one.measure}
    return accounts.balance_of(shop), due


ORDERS = st.sampled_from(list(permutations(["penalties", 0, 1])))


@pytest.mark.django_db
def test_in_whatever_order_files_come_in_account_and_shortages_are_the_same() -> None:
    @settings(max_examples=25, deadline=None, database=None)
    @given(files(), ORDERS)
    def ends_alike(given: Files, order: tuple[str | int, ...]) -> None:
        with transaction.atomic():
            shop = make_shop(code="S1")
            if given.opening:
                paid_in(shop, given.opening)
            for which in order:
                if isinstance(which, str):
                    assert errors(bring(which, given.penalties)) == []
                elif rows := given.movements[which]:
                    assert errors(bring("deposits", MOVEMENTS + rows)) == []
            assert account(shop) == (given.balance(), given.due())
            assert sound()
            for penalty, fen, less in zip(
                Penalty.objects.order_by("reference"), given.fen, given.less, strict=True
            ):
                if less < fen:
                    amount = {penalty.measures.get().pk: less}
                    lessening.lessen_measures(penalty, amount, by=None, at=LATER, reason="in part")
            lessened = replace(given, fen=given.less)
            assert account(shop) == (lessened.balance(), lessened.due())
            assert sound()
            for penalty in Penalty.objects.order_by("reference"):
                penalties.overturn(penalty, by=None, at=LATER, reason="granted")
            assert (accounts.balance_of(shop), owed_of(shop)) == (given.opening + given.moved, 0)
            assert sound()
            transaction.set_rollback(True)

    ends_alike()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["pay_in", "top_up"])
def test_nothing_is_deducted_before_its_penalty(kind: str) -> None:
    make_shop(code="S1")
    bring("penalties", CASE)
    bring("deposits", PAID.replace("pay_in", kind))
    [entry] = DepositEntry.objects.filter(kind="collect")
    assert entry.measure is not None
    assert entry.at == entry.measure.applied_at


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["pay_in", "top_up"])
@pytest.mark.parametrize("order", [("penalties", "deposits"), ("deposits", "penalties")])
def test_a_wrong_penalty_taken_back_leaves_the_shop_as_a_twin_without_it(kind: str, order: tuple) -> None:
    """S1 has P1 wrongly and P2 rightly; S2 has P3, which is like P2."""
    shops = [make_shop(code=code) for code in ("S1", "S2")]
    content = {
        "penalties": f"{CASES}P1,S1,V8,2026-03-02 09:30,imposed,30\nP2,S1,V8,2026-03-03 09:30,imposed,30\n"
        "P3,S2,V8,2026-03-03 09:30,imposed,30\n",
        "deposits": f"{MOVEMENTS}M1,S1,{kind},40,2026-03-01 08:00,\nM2,S2,{kind},40,2026-03-01 08:00,\n",
    }
    for which in order:
        bring(which, content[which])
    penalties.overturn(Penalty.objects.get(reference="P1"), by=None, at=LATER, reason="wrong")
    assert [(accounts.balance_of(shop), owed_of(shop)) for shop in shops] == [(10_00, 0)] * 2
    assert sound()
