"""People look at what would change before it is written, and once more where it has changed meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.reversals import reverse_import
from shops import imports
from shops.errors import Refused
from shops.models import ImportBatch, Shop, ShopMetrics
from tests.factories import AT, DAY, make_shop, make_user
from tests.shops.consenting import ASK, LATER, confirmed, metrics, stands
from tests.shops.importing import bring, counts

UNLESS_SUSPICIOUS = ImportBatch.Consent.UNLESS_SUSPICIOUS
SHOPS = "code,name,shop_type,category,goods_kind,status,subject_kind\n"


def test_who_wants_to_look_first_is_shown_what_would_change_and_nothing_is_written(two_shops) -> None:
    first = bring("metrics", metrics(("S1", "10", "4.1")))
    batch = bring("metrics", metrics(("S1", "10", "none"), ("S2", "20", "")), consent=ASK)
    assert (batch.state, counts(batch)) == ("ready", (2, 1, 1, 0, 0))
    assert batch.changes["columns"] == {"shop_score": 1}
    assert batch.changes["cells"] == [
        {"row": 2, "record": f"S1 · {DAY}", "column": "shop_score", "old": "4.1", "new": "none"}
    ]
    assert stands() == ("10.00", "4.10")
    assert ShopMetrics.objects.get().batch == first
    assert not batch.profiles.exists() and not batch.coverage.exists() and not batch.corrections.exists()


def test_what_was_shown_is_written_once_a_person_says_so_and_the_record_names_who(two_shops) -> None:
    sender, other = make_user("operator"), make_user("operator")
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK, by=sender)
    batch = confirmed(batch, other)
    assert (batch.state, counts(batch), stands()) == ("applied", (1, 1, 0, 0, 0), ("10.00", "4.10"))
    # How it was to be asked for stays on record.
    assert batch.consent == ASK
    told = [(h.state, h.history_user, h.history_change_reason) for h in batch.history.order_by("history_id")]
    assert told == [
        ("received", sender, ""),
        ("checking", None, ""),
        ("ready", None, ""),
        ("received", other, "confirmed"),
        ("applying", None, ""),
        ("applied", None, ""),
    ]


def test_changes_of_a_shop_are_told_in_the_words_of_its_file(db) -> None:
    row = "S1,店,ordinary,beauty,physical,normal,enterprise"
    bring("shops", f"{SHOPS}{row}\n")
    batch = bring(
        "shops",
        f"{SHOPS.strip()},controller,account_ok\n{row.replace('normal', 'suspended')},C1,1\n",
        consent=ASK,
    )
    assert batch.changes["columns"] == {"status": 1, "controller": 1, "account_ok": 1}
    assert {(cell["column"], cell["old"], cell["new"]) for cell in batch.changes["cells"]} == {
        ("status", "normal", "suspended"),
        ("controller", "", "C1"),
        ("account_ok", None, "true"),
    }
    assert Shop.objects.get().status == "normal"


def test_fifty_changed_cells_are_shown_and_all_are_counted(db) -> None:
    codes = [make_shop().code for _shop in range(60)]
    bring("metrics", metrics(*((code, "1", "4") for code in codes)))
    batch = bring("metrics", metrics(*((code, "2", "4") for code in codes)), consent=ASK)
    assert batch.changes["columns"] == {"gmv_30d": 60}
    assert [cell["row"] for cell in batch.changes["cells"]] == list(range(2, 52))


def test_a_file_with_errors_is_refused_before_anybody_is_asked_and_has_changed_nothing(two_shops) -> None:
    bring("metrics", metrics(("S1", "10", "4.1")))
    batch = bring("metrics", metrics(("S1", "11", "4.1"), ("S2", "10", "6")), consent=ASK)
    assert (batch.state, counts(batch), batch.changes) == ("refused", (2, 0, 0, 0, 2), {})


def test_of_a_file_with_errors_the_good_rows_are_shown_and_then_written(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "11", "4.1"), ("S2", "10", "6")), consent=ASK, partial=True)
    assert (batch.state, counts(batch)) == ("ready", (2, 1, 0, 0, 1))
    assert not ShopMetrics.objects.exists()
    assert counts(confirmed(batch)) == (2, 1, 0, 0, 1)
    assert stands() == ("11.00", "4.10")


def test_nothing_is_confirmed_twice_nor_what_does_not_wait_for_it(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    imports.confirm(batch.pk, by=None)
    with pytest.raises(Refused, match="received"):
        imports.confirm(batch.pk, by=None)
    imports.process(batch.pk, at=LATER)
    with pytest.raises(Refused, match="applied"):
        imports.confirm(batch.pk, by=None)
    refused = bring("metrics", metrics(("S9", "10", "4.1")))
    with pytest.raises(Refused, match="refused"):
        imports.confirm(refused.pk, by=None)


def test_what_waits_for_a_person_no_worker_takes(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    assert imports.unfinished() == []
    assert imports.process(batch.pk, at=LATER).state == "ready"
    imports.confirm(batch.pk, by=None)
    assert imports.unfinished() == [batch.pk]


@pytest.mark.parametrize(
    "meanwhile",
    [
        # Another number of rows would change.
        [("S1", "10", "4.5")],
        # As many rows and columns, from another figure.
        [("S1", "77", "4.1")],
        # Another row.
        [("S1", "11", "4.1"), ("S2", "21", "4.2")],
    ],
)
def test_where_what_stands_has_changed_since_it_was_shown_a_person_looks_again(two_shops, meanwhile) -> None:
    bring("metrics", metrics(("S1", "10", "4.1"), ("S2", "20", "4.2")))
    batch = bring(
        "metrics",
        metrics(("S1", "11", "4.1"), ("S2", "20", "4.2")),
        consent=ASK,
        at=AT + timedelta(minutes=1),
    )
    # Of a moment before, so that the waiting file is still the newest knowledge.
    assert bring("metrics", metrics(*meanwhile)).updated > 0
    before = stands("S1"), stands("S2")
    batch = confirmed(batch)
    assert (batch.state, batch.consent) == ("ready", "ask")
    first, *_others = imports.suspicions_of(batch)
    assert first.code == "changed_meanwhile"
    assert "What stands has changed since this was shown" in first.message
    assert (stands("S1"), stands("S2")) == before
    assert not batch.corrections.exists()
    # And this time it is as it was shown.
    batch = confirmed(batch)
    assert (batch.state, stands("S1"), stands("S2")) == ("applied", ("11.00", "4.10"), ("20.00", "4.20"))
    assert "changed_meanwhile" not in [one.code for one in imports.suspicions_of(batch)]


def test_what_has_changed_beyond_the_cells_that_were_shown_is_shown_again_as_well(db) -> None:
    codes = [make_shop().code for _shop in range(60)]
    bring("metrics", metrics(*((code, "1", "4") for code in codes)))
    content = metrics(*((code, "2", "4") for code in codes))
    batch = bring("metrics", content, consent=ASK, at=AT + timedelta(minutes=1))
    shown = batch.changes
    # Other figures would be replaced, and then another two rows swap what becomes of them.
    bring("metrics", metrics((codes[-1], "9", "4")))
    batch = confirmed(batch)
    assert (batch.state, batch.changes["cells"]) == ("ready", shown["cells"])
    bring("metrics", metrics((codes[-1], "2", "4")))
    bring("metrics", metrics((codes[-2], "8", "4")))
    assert confirmed(batch).state == "ready"
    assert confirmed(batch).state == "applied"
    assert stands(codes[-1]) == stands(codes[-2]) == ("2.00", "4.00")


def test_rows_that_others_have_created_meanwhile_are_shown_again(two_shops) -> None:
    make_shop(code="S3")
    batch = bring(
        "metrics",
        metrics(("S1", "1", "4"), ("S2", "2", "4"), ("S3", "", "")),
        consent=ASK,
        at=AT + timedelta(minutes=1),
    )
    first = bring("metrics", metrics(("S1", "1", "4")))
    batch = confirmed(batch)
    assert (batch.state, counts(batch)) == ("ready", (3, 2, 0, 1, 0))
    # As many as before, but others.
    reverse_import(first.pk, by=None, reason="wrong", at=LATER)
    bring("metrics", metrics(("S2", "2", "4")))
    batch = confirmed(batch)
    assert (batch.state, counts(batch)) == ("ready", (3, 2, 0, 1, 0))
    assert confirmed(batch).state == "applied"


def test_what_changes_elsewhere_meanwhile_keeps_nothing_from_being_written(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    bring("metrics", metrics(("S2", "5", "4.9")))
    assert confirmed(batch).state == "applied"


def test_a_file_of_which_nothing_is_left_to_change_is_shown_again(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    bring("metrics", metrics(("S1", "10", "4.1")))
    batch = confirmed(batch)
    assert (batch.state, counts(batch)) == ("ready", (1, 0, 0, 1, 0))


def test_what_nothing_is_suspicious_about_is_applied_and_the_rest_waits(db) -> None:
    codes = [make_shop().code for _shop in range(20)]
    fine = bring(
        "metrics",
        metrics(*((code, f"{1000 + n}", f"4.{n:02d}") for n, code in enumerate(codes))),
        consent=UNLESS_SUSPICIOUS,
    )
    assert (fine.state, fine.suspicions) == ("applied", [])
    alike = bring("metrics", metrics(*((code, "9", "3") for code in codes)), consent=UNLESS_SUSPICIOUS)
    assert (alike.state, counts(alike)) == ("ready", (20, 0, 20, 0, 0))
    assert {one.code for one in imports.suspicions_of(alike)} == {"all_alike"}
    assert stands(codes[3]) == ("1003.00", "4.03")
    # A person has looked: it is written in spite of it, and keeps saying what was odd.
    alike = confirmed(alike)
    assert (alike.state, stands(codes[3])) == ("applied", ("9.00", "3.00"))
    assert {one.code for one in imports.suspicions_of(alike)} == {"all_alike"}
