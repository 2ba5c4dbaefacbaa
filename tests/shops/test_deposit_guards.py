"""What the database itself refuses of the ledger, to the application's role as to everybody."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, connections, transaction

from shops import deposits, topups
from shops.models import DepositEntry, Measure, Settlement, TopUp
from tests.factories import AT, make_imposed, make_shop
from tests.shops.accounting import entered, make_measure, paid_in, taken_back


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def written(**values: Any) -> DepositEntry:
    given = {"kind": "pay_in", "amount_fen": 1, "key": "by hand", "at": AT, "recorded_at": AT} | values
    with transaction.atomic():
        return DepositEntry.objects.create(**given)


@pytest.mark.parametrize("table", ["shops_depositentry", "shops_settlement"])
@pytest.mark.parametrize("change", ["UPDATE {} SET amount_fen = 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.django_db
def test_the_application_may_only_add_to_the_ledger(table: str, change: str) -> None:
    with pytest.raises(Error, match="permission denied"):
        execute(change.format(table))


@pytest.mark.parametrize(
    "how",
    [
        "ALTER TABLE shops_depositentry DISABLE TRIGGER USER",
        "DROP TRIGGER shops_depositentry_follows_the_one_before ON shops_depositentry",
        "ALTER TABLE shops_depositentry DROP CONSTRAINT shops_depositentry_balance_is_never_below_zero",
        "CREATE OR REPLACE FUNCTION shops_depositentry_follows_the_one_before() RETURNS trigger"
        " LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "SET session_replication_role = replica",
        "INSERT INTO shops_depositentry SELECT * FROM shops_depositentry"
        " ON CONFLICT (id) DO UPDATE SET amount_fen = 1",
        "SELECT FROM shops_depositentry FOR UPDATE",
    ],
)
@pytest.mark.django_db
def test_nor_does_the_application_get_around_the_guards(how: str) -> None:
    paid_in(make_shop(), 100)
    with pytest.raises(Error, match=r"permission denied|must be owner"):
        execute(how)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("({0}, 'pay_in', 1, 'a', NULL), ({0}, 'deduct', -602, 'b', NULL)", "would leave it below zero"),
        ("({0}, 'pay_in', 1, 'a', NULL), (0, 'pay_in', 1, 'b', NULL)", "there is no such shop"),
        ("({0}, 'reversal', -100, 'a', {1}), ({0}, 'reversal', -100, 'b', {1})", "reverses_id"),
        ("({0}, 'pay_in', 1, 'a', NULL), ({0}, 'pay_in', 1, 'a', NULL)", "depositentry_key"),
    ],
    ids=["unbalanced", "orphan", "two reversals", "one key twice"],
)
@pytest.mark.django_db
def test_several_entries_in_one_statement_are_each_held_to_it(rows: str, sentence: str) -> None:
    shop = make_shop()
    entry = paid_in(shop, 100)
    paid_in(shop, 500)
    with pytest.raises(IntegrityError, match=sentence):
        execute(
            "INSERT INTO shops_depositentry (shop_id, kind, amount_fen, at, recorded_at, cause, reference,"
            " key, reverses_id)"
            " SELECT shop_id, kind, amount_fen, now(), now(), '', '', key, reverses_id::bigint"
            f" FROM (VALUES {rows.format(shop.pk, entry.pk)}) v (shop_id, kind, amount_fen, key, reverses_id)"
        )


@pytest.mark.django_db
def test_what_these_tests_say_they_say_as_the_application() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.rolsuper, r.rolbypassrls, c.relowner = r.oid FROM pg_roles r, pg_class c"
            " WHERE r.rolname = current_user AND c.oid = 'shops_depositentry'::regclass"
        )
        assert cursor.fetchone() == (False, False, False)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"amount_fen": 0}, "amount_has_the_sign_of_its_kind"),
        ({"amount_fen": -1, "kind": "pay_in"}, "amount_has_the_sign_of_its_kind"),
        ({"amount_fen": 1, "kind": "deduct"}, "amount_has_the_sign_of_its_kind"),
        ({"amount_fen": 1, "kind": "refund"}, "amount_has_the_sign_of_its_kind"),
        ({"amount_fen": -101, "kind": "adjust"}, "would leave it below zero"),
        ({"amount_fen": 2**63 - 100}, "more than is held exactly"),
        ({"number": 2, "balance_fen": 102}, "does not follow entry 1 with balance 100"),
        ({"number": 3, "balance_fen": 101}, "does not follow"),
        ({"number": 1, "balance_fen": 101}, "does not follow"),
        ({"short_fen": 1}, "is_short_only_where_all_was_deducted"),
        ({"key": ""}, "has_a_key"),
        ({"at": AT.replace(year=1)}, "moment_is_one_that_people_name"),
        ({"kind": "reversal"}, "takes_another_back_exactly_when_a_reversal"),
    ],
)
@pytest.mark.django_db
def test_an_entry_that_does_not_add_up_is_refused(values: dict, sentence: str) -> None:
    shop = make_shop()
    paid_in(shop, 100)
    with pytest.raises(IntegrityError, match=sentence):
        written(shop=shop, **values)


@pytest.mark.django_db
def test_an_entry_that_states_what_follows_is_taken() -> None:
    shop = make_shop()
    paid_in(shop, 100)
    assert written(shop=shop, number=2, balance_fen=101).number == 2


def rows_read() -> tuple[int, int]:
    """Of the ledger: by reading all of it, and by an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = 'shops_depositentry'"
        )
        scanned, fetched = cursor.fetchone()
    return scanned, fetched


@pytest.mark.django_db
def test_an_entry_costs_the_same_however_many_there_are() -> None:
    """Also into a ledger that was empty when the database planned for it."""
    shops = ", ".join(str(make_shop().pk) for _ in range(4))
    # The session may not have reported what it read before.
    before = rows_read()
    execute(
        "INSERT INTO shops_depositentry (shop_id, kind, amount_fen, at, recorded_at, cause, reference, key)"
        " SELECT s.id, 'pay_in', 1, now(), now(), '', '', concat(s.id, ' ', n)"
        f" FROM shops_shop s, generate_series(1, 500) n WHERE s.id IN ({shops}) ORDER BY s.id, n"
    )
    scanned, fetched = (now - then for now, then in zip(rows_read(), before, strict=True))
    assert (scanned, fetched < 2 * 2000) == (0, True)


@pytest.mark.django_db
def test_an_entry_of_no_shop_is_refused() -> None:
    with pytest.raises(IntegrityError, match="there is no such shop"):
        written(shop_id=0)


@pytest.mark.django_db
def test_a_second_reversal_is_refused() -> None:
    entry = paid_in(make_shop(), 100)
    taken_back(entry)
    paid_in(entry.shop, 100)
    with pytest.raises(IntegrityError, match="reverses_id"):
        written(shop=entry.shop, kind="reversal", amount_fen=-100, reverses=entry)


@pytest.mark.parametrize("what", ["half", "another shop's", "a reversal", "nothing"])
@pytest.mark.django_db
def test_a_reversal_of_anything_but_one_whole_entry_of_the_account_is_refused(what: str) -> None:
    entry, other = paid_in(make_shop(), 100), paid_in(make_shop(), 100)
    reversal = taken_back(paid_in(entry.shop, 7))
    values = {
        "half": {"amount_fen": -50, "reverses": entry},
        "another shop's": {"amount_fen": -100, "reverses": other},
        "a reversal": {"amount_fen": 7, "reverses": reversal},
        "nothing": {"amount_fen": 7, "reverses_id": 0},
    }[what]
    with pytest.raises(IntegrityError, match="a reversal takes back exactly one entry of its account"):
        written(shop=entry.shop, kind="reversal", **values)


@pytest.mark.django_db
def test_a_shortage_that_nobody_owes_is_refused() -> None:
    shop = make_shop()
    paid_in(shop, 100)
    with pytest.raises(IntegrityError, match="is short by 1 fen, which nobody owes"), transaction.atomic():
        written(shop=shop, kind="deduct", amount_fen=-100, short_fen=1)
        connection.check_constraints()


@pytest.mark.parametrize("change", [{"amount_fen": 1}, {"key": "x"}, {"cause": "requirement", "entry": None}])
@pytest.mark.django_db
def test_what_is_owed_never_changes(change: dict) -> None:
    _entry, owed = entered(deposits.deduct, make_shop(), 100)
    for name, value in change.items():
        setattr(owed, name, value)
    with pytest.raises(IntegrityError, match="what is owed never changes"):
        owed.save()


@pytest.mark.django_db
def test_a_payment_counts_once_and_for_its_own_shop_alone() -> None:
    shop = make_shop()
    owed = topups.demand(shop=shop, amount_fen=100, by=None, at=AT, key="a")
    more = topups.demand(shop=shop, amount_fen=100, by=None, at=AT, key="b")
    others = topups.demand(shop=make_shop(), amount_fen=100, by=None, at=AT, key="c")
    payment = entered(deposits.top_up, shop, 60)
    assert list(Settlement.objects.values_list("top_up", "amount_fen")) == [(owed.pk, 60)]
    for entry, top_up, fen in [
        (payment, more, 1),  # all of it counts already
        (paid_in(shop, 100), more, 1),  # no payment of what is owed
        (payment, others, 1),
        (entered(deposits.top_up, shop, 500), owed, 1),  # settled already
    ]:
        with pytest.raises(IntegrityError, match="does not settle"), transaction.atomic():
            Settlement.objects.create(entry=entry, top_up=top_up, amount_fen=fen)
    assert TopUp.objects.filter(state="open").get() == others


@pytest.mark.django_db
def test_what_is_paid_of_a_shortage_and_not_deducted_is_refused() -> None:
    shop = make_shop()
    payment = entered(deposits.top_up, shop, 100)
    _entry, owed = entered(deposits.deduct, shop, 150)
    with pytest.raises(IntegrityError, match="paid for a shortage, and not deducted"), transaction.atomic():
        Settlement.objects.create(entry=payment, top_up=owed, amount_fen=50)
        connection.check_constraints()


@pytest.mark.parametrize("what", ["less", "of nothing", "twice", "of a demand", "of another shop"])
@pytest.mark.django_db
def test_what_is_deducted_of_a_payment_is_what_was_paid_of_a_shortage(what: str) -> None:
    shop, other = make_shop(), make_shop()
    for one in (shop, other):
        paid_in(one, 100)
    entered(deposits.deduct, shop, 150)
    settlement = entered(deposits.top_up, shop, 50).settlements.get()
    topups.demand(shop=shop, amount_fen=50, by=None, at=AT, key="demanded")
    demanded = entered(deposits.top_up, shop, 50).settlements.get()
    values: dict[str, Any] = {
        "less": {"shop": shop, "amount_fen": -49, "settlement": settlement},
        "of nothing": {"shop": shop, "amount_fen": -50},
        "twice": {"shop": shop, "amount_fen": -50, "settlement": settlement},
        "of a demand": {"shop": shop, "amount_fen": -50, "settlement": demanded},
        "of another shop": {"shop": other, "amount_fen": -50, "settlement": settlement},
    }[what]
    with pytest.raises(IntegrityError, match="settlement"):
        written(kind="collect", **values)


def test_nor_does_the_owner_change_what_stands(committed_db: Any) -> None:
    shop = make_shop()
    topups.demand(shop=shop, amount_fen=100, by=None, at=AT, key="a")
    entered(deposits.top_up, shop, 60)
    for table in ("shops_depositentry", "shops_settlement"):
        for change in ("UPDATE {} SET amount_fen = 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
            with (
                pytest.raises(IntegrityError, match="only ever added to"),
                connections["owner"].cursor() as owner,
            ):
                owner.execute(change.format(table))


@pytest.mark.django_db
def test_a_temporary_table_does_not_stand_in_for_the_ledger() -> None:
    shop = make_shop()
    paid_in(shop, 100)
    execute("CREATE TEMP TABLE shops_depositentry AS SELECT * FROM public.shops_depositentry")
    execute("UPDATE pg_temp.shops_depositentry SET balance_fen = 999999")
    with pytest.raises(IntegrityError, match="below zero"):
        execute(
            "INSERT INTO public.shops_depositentry"
            " (shop_id, kind, amount_fen, at, recorded_at, cause, reference, key)"
            f" VALUES ({shop.pk}, 'deduct', -101, now(), now(), 'x', '', 'by hand')"
        )


@pytest.mark.django_db
def test_an_entry_is_for_a_measure_against_its_own_shop() -> None:
    shop, other = make_shop(), make_shop()
    paid_in(shop, 100)
    with pytest.raises(IntegrityError, match="deducts for no penalty of that shop"):
        written(shop=shop, kind="deduct", amount_fen=-1, measure=make_measure(other))


@pytest.mark.django_db
def test_an_entry_is_for_a_measure_that_deducts() -> None:
    shop = make_shop()
    paid_in(shop, 100)
    warning = make_imposed(shop, Measure(kind="warning"), code="V8").measures.get()
    with pytest.raises(IntegrityError, match="deducts for no penalty of that shop"):
        written(shop=shop, kind="deduct", amount_fen=-1, measure=warning)


@pytest.mark.django_db
def test_of_a_measure_one_deduction_stands() -> None:
    shop = make_shop()
    paid_in(shop, 100)
    measure = make_measure(shop)
    taken = written(shop=shop, kind="deduct", amount_fen=-2, measure=measure)
    with pytest.raises(IntegrityError, match="has deducted already"):
        written(shop=shop, kind="deduct", amount_fen=-1, measure=measure, key="another")
    written(shop=shop, kind="reversal", amount_fen=2, measure=measure, reverses=taken, key="back")
    written(shop=shop, kind="deduct", amount_fen=-1, measure=measure, key="another")
