"""Any sequence of movements, against a model of the ledger that is written here in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from opsdesk import books
from shops import deposits, topups
from shops.errors import Refused
from shops.models import DepositEntry, TopUp
from tests.factories import AT, make_shop
from tests.shops.accounting import statement

AMOUNTS = st.one_of(st.integers(1, 9), st.integers(1, 500))
PLACES = st.integers(0, 1)


@dataclass
class Owed:
    fen: int
    shortage: bool = False
    state: str = "open"
    payments: list[Part] = field(default_factory=list)

    def outstanding(self, account: Account) -> int:
        return self.fen - sum(part.fen for part in self.payments if part.entry not in account.reversed)


@dataclass
class Part:
    """Of a payment, what counts for something owed, and the entry that has deducted it."""

    entry: int
    fen: int
    collected: int | None = None


@dataclass
class Account:
    """Entries as (kind, amount, balance); what is owed in the order in which it was."""

    entries: list[tuple[str, int, int]] = field(default_factory=list)
    reversed: set[int] = field(default_factory=set)
    owed: list[Owed] = field(default_factory=list)
    shortages: dict[int, Owed] = field(default_factory=dict)  # of entries

    @property
    def balance(self) -> int:
        return self.entries[-1][2] if self.entries else 0

    def move(self, kind: str, fen: int) -> bool:
        """Whether it could be."""
        if self.balance + fen < 0:
            return False
        self.entries.append((kind, fen, self.balance + fen))
        return True

    def pay(self, fen: int, towards: list[Owed]) -> None:
        self.move("top_up", fen)
        self.count([(len(self.entries) - 1, fen)], towards)

    def come(self, kind: str, fen: int) -> bool:
        """For no debt; what was found missing is deducted of it."""
        moved = self.move(kind, fen)
        if moved:
            self.meet(len(self.entries) - 1)
        return moved

    def meet(self, entry: int) -> None:
        fen = min(self.entries[entry][1], self.balance)
        if fen > 0:
            self.count([(entry, fen)], [owed for owed in self.owed if owed.shortage])

    def count(self, payments: list[tuple[int, int]], towards: list[Owed]) -> None:
        new = []
        for entry, left in payments:
            for owed in towards:
                part = min(left, owed.outstanding(self)) if owed.state == "open" else 0
                if part:
                    owed.payments.append(Part(entry, part))
                    new.append((owed, owed.payments[-1]))
                    left -= part
        for owed, part in new:
            if owed.shortage:
                assert self.move("collect", -part.fen)
                part.collected = len(self.entries) - 1
            if not owed.outstanding(self):
                owed.state = "settled"

    def deduct(self, fen: int) -> None:
        there = min(self.balance, fen)
        short = Owed(fen - there, shortage=True)
        if there:
            self.move("deduct", -there)
        if short.fen:
            self.owed.append(short)
            if there:
                self.shortages[len(self.entries) - 1] = short

    def give_back(self, parts: list[Part]) -> bool:
        """Whether there was anything."""
        before = len(self.entries)
        for part in sorted(parts, key=lambda one: one.collected or 0):
            if part.collected is not None and part.collected not in self.reversed:
                self.move("reversal", part.fen)
                self.reversed.add(part.collected)
        return len(self.entries) > before

    def take_back(self, place: int) -> bool:
        kind, fen, _balance = self.entries[place]
        paid = [(owed, part) for owed in self.owed for part in owed.payments if part.entry == place]
        back = sum(
            part.fen
            for _owed, part in paid
            if part.collected is not None and part.collected not in self.reversed
        )
        if kind in ("reversal", "collect") or place in self.reversed or self.balance + back - fen < 0:
            return False
        self.give_back([part for _owed, part in paid])
        self.move("reversal", -fen)
        reversal = len(self.entries) - 1
        self.reversed.add(place)
        short = self.shortages.get(place)
        if short and (self.give_back(short.payments) or short.state != "cancelled"):
            self.cancel(short)
        for owed, _part in paid:
            if owed.state == "settled":
                owed.state = "open"
        self.meet(reversal)
        return True

    def cancel(self, owed: Owed) -> None:
        """What was paid of it counts for what is due next, as far as its money is there."""
        owed.state = "cancelled"
        there, freed = self.balance, []
        for entry in sorted({part.entry for part in owed.payments} - self.reversed):
            if self.entries[entry][0] != "top_up":
                continue
            parts = [one for one in owed.payments if one.entry == entry]
            fen = sum(one.fen for one in parts if one.collected is None or one.collected in self.reversed)
            fen = min(fen, there)
            there -= fen
            freed.append((entry, fen))
        self.count(freed, self.owed)


class Ledger(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.example = transaction.atomic()
        self.example.__enter__()
        self.shops = [make_shop(), make_shop()]
        self.models = [Account(), Account()]
        self.calls: list[tuple[Any, dict[str, Any], Any]] = []

    def teardown(self) -> None:
        if hasattr(self, "example"):
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def call(self, verb: Any, could: bool, **values: Any) -> None:
        """The verb does it exactly where the model could, and then keeps its key."""
        given = {"by": None, "at": AT, "key": f"key {len(self.calls)}", **values}
        try:
            done = verb(**given)
        except Refused:
            assert not could
            done = None
        else:
            assert could
        self.calls.append((verb, given, done))

    @rule(place=PLACES, fen=AMOUNTS)
    def pay_in(self, place: int, fen: int) -> None:
        self.models[place].come("pay_in", fen)
        self.call(deposits.pay_in, True, shop=self.shops[place], amount_fen=fen, cause="c")

    @rule(place=PLACES, fen=AMOUNTS)
    def top_up(self, place: int, fen: int) -> None:
        self.models[place].pay(fen, self.models[place].owed)
        self.call(deposits.top_up, True, shop=self.shops[place], amount_fen=fen, cause="c")

    @rule(place=PLACES, fen=AMOUNTS)
    def compensate(self, place: int, fen: int) -> None:
        could = self.models[place].move("compensate", -fen)
        self.call(deposits.compensate, could, shop=self.shops[place], amount_fen=fen, cause="c")

    @rule(place=PLACES, fen=AMOUNTS.map(lambda fen: -fen) | AMOUNTS)
    def adjust(self, place: int, fen: int) -> None:
        could = self.models[place].come("adjust", fen)
        self.call(deposits.adjust, could, shop=self.shops[place], amount_fen=fen, cause="c")

    @rule(place=PLACES, fen=AMOUNTS)
    def refund(self, place: int, fen: int) -> None:
        model = self.models[place]
        could = all(owed.state != "open" for owed in model.owed) and model.move("refund", -fen)
        self.call(deposits.refund, could, shop=self.shops[place], amount_fen=fen, cause="c")

    @rule(place=PLACES, fen=AMOUNTS)
    def deduct(self, place: int, fen: int) -> None:
        self.models[place].deduct(fen)
        self.call(deposits.deduct, True, shop=self.shops[place], amount_fen=fen, cause="c")

    @rule(place=PLACES, which=st.integers(0, 30))
    def take_back(self, place: int, which: int) -> None:
        model = self.models[place]
        if model.entries:
            which %= len(model.entries)
            entry = DepositEntry.objects.get(shop=self.shops[place], number=which + 1)
            self.call(deposits.reverse, model.take_back(which), entry=entry, cause="c")

    @rule(place=PLACES, fen=AMOUNTS)
    def demand(self, place: int, fen: int) -> None:
        self.models[place].owed.append(Owed(fen))
        self.call(topups.demand, True, shop=self.shops[place], amount_fen=fen)

    @rule(place=PLACES, which=st.integers(0, 9))
    def cancel(self, place: int, which: int) -> None:
        model = self.models[place]
        if model.owed:
            which %= len(model.owed)
            could = model.owed[which].state == "open"
            top_up = self.owed_of(place)[which]
            if could:
                model.cancel(model.owed[which])
                topups.cancel(top_up, by=None, at=AT, reason="r")
            else:
                with pytest.raises(Refused):
                    topups.cancel(top_up, by=None, at=AT, reason="r")

    @rule(place=PLACES, which=st.integers(0, 9), fen=AMOUNTS)
    def settle(self, place: int, which: int, fen: int) -> None:
        model = self.models[place]
        if model.owed:
            which %= len(model.owed)
            owed = model.owed[which]
            could = owed.state == "open" and fen <= owed.outstanding(model)
            if could:
                model.pay(fen, [owed])
            top_up = self.owed_of(place)[which]
            self.call(deposits.settle, could, owed=top_up, amount_fen=fen, cause="c")

    @rule(which=st.integers(0, 40))
    def again(self, which: int) -> None:
        """Under its key the same comes back, and nothing else happens."""
        if self.calls:
            verb, given, done = self.calls[which % len(self.calls)]
            if done is not None:
                assert verb(**given) == done

    def owed_of(self, place: int) -> list[TopUp]:
        return list(TopUp.objects.filter(shop=self.shops[place]).order_by("pk"))

    @invariant()
    def ledger_and_model_say_the_same(self) -> None:
        if not hasattr(self, "shops"):
            return
        for place, (shop, model) in enumerate(zip(self.shops, self.models, strict=True)):
            told = [(kind, fen, balance) for _number, kind, fen, balance in statement(shop)]
            assert told == model.entries
            found = [(owed.state, topups.outstanding_of(owed)) for owed in self.owed_of(place)]
            assert found == [
                (owed.state, 0 if owed.state == "cancelled" else owed.outstanding(model))
                for owed in model.owed
            ]
        assert books.verify_ledger() is None
        assert books.verify_reversals() is None


@pytest.mark.django_db
def test_whatever_is_entered_the_ledger_and_the_model_say_the_same() -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
