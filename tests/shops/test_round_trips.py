"""A register that went out comes in again and changes nothing: as CSV and as XLSX, whatever stands in it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shops.exports import csv_lines
from shops.imports.tables import TABLES
from shops.imports.values import BadCell, parser
from shops.imports.workbooks import as_csv
from shops.metrics import METRICS, PRODUCT_METRICS, MetricType
from shops.models import (
    Alliance,
    Controller,
    Enrollment,
    Listing,
    Opening,
    Product,
    Qualification,
    Shop,
)
from shops.outgoing import SOURCES
from tests.exporting import ask, content
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    SHANGHAI,
    WECHAT,
    make_enrollment,
    make_listing,
    make_metrics,
    make_product,
    make_product_metrics,
    make_qualification,
    make_shop,
    make_user,
)
from tests.shops.importing import bring, counts, errors

pytestmark = pytest.mark.django_db

examples = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def apart(test: Callable[[], None]) -> None:
    """An example's records are gone before the next one."""
    with transaction.atomic():
        test()
        transaction.set_rollback(True)


def identical(
    kind: str, address: str, rows: int, post: dict[str, Any] | None = None, without: tuple[str, ...] = ()
) -> None:
    """Whether what goes out there comes in again, all of it and unchanged."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user("auditor"))
    for format in ("csv", "xlsx"):
        if post is None:
            sent = content(ask(client, address, format=format, without=without))
        else:
            sent = content(client.post(address, post | {"format": format}))
        batch = bring(kind, sent if format == "csv" else converted(kind, sent), at=AT + timedelta(days=1))
        assert (counts(batch), errors(batch)) == ((rows, 0, 0, rows, 0), [])
        assert batch.absent == []


def converted(kind: str, workbook: bytes) -> bytes:
    with TemporaryDirectory() as directory:
        path, out = Path(directory) / "sent.xlsx", Path(directory) / "out.csv"
        path.write_bytes(workbook)
        as_csv(path, TABLES[kind], out)
        return out.read_bytes()


# What the columns hold.

STARTS = ["", "=", "==1+", "+", "-", "@", "＝", "＋", "－", "＠", "'", "'=", "''@", '"', "_x0041_"]


def cells(kind: str, name: str) -> st.SearchStrategy[str]:
    """Texts that the column takes as they stand; long numbers, and what a spreadsheet could misread."""
    column = next(column for column in TABLES[kind].columns if column.name == name)
    parse = parser(column, ",")

    def is_taken(text: str) -> bool:
        try:
            staged = parse(text)
        except BadCell:
            return False
        return text == text.strip() and (next(csv.reader([staged])) or [""])[0] == text

    letters = st.characters(codec="utf-8", exclude_categories=("Cc",))
    words = st.builds(
        lambda start, rest: start + rest, st.sampled_from(STARTS), st.text(letters, max_size=20)
    )
    long = st.integers(10**18, 10**19 - 1).map(str)
    return st.one_of(words, long, st.sampled_from(STARTS)).filter(is_taken)


days = st.dates(date(2000, 1, 1), DAY)


@examples
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "code": cells("shops", "code"),
                "name": cells("shops", "name"),
                "shop_type": st.sampled_from(Shop.Type.values),
                "category": cells("shops", "category") | st.just("local-life"),
                "goods_kind": st.sampled_from(Shop.GoodsKind.values),
                "status": st.sampled_from(Shop.Status.values),
                "account_ok": st.sampled_from([None, True, False]),
                "subject_kind": st.sampled_from(Shop.SubjectKind.values),
                "entered_on": st.none() | days,
                "closed_on": st.none() | days,
                "closed_cause": st.sampled_from(["", *Shop.ClosedCause.values]),
                "contact": cells("shops", "contact"),
                "phone": cells("shops", "phone"),
                "email": cells("shops", "email"),
                "account_manager": cells("shops", "account_manager"),
            }
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda shop: shop["code"],
    ),
    cells("shops", "code"),
)
def test_shops_go_out_and_in_again(shops: list[dict[str, Any]], controller: str) -> None:
    def test() -> None:
        behind = Controller.objects.create(code=controller)
        for number, shop in enumerate(shops):
            make_shop(**shop, controller=behind if number % 2 else None)
        identical("shops", "/admin/shops/shop/export/", len(shops))

    apart(test)


ends = st.none() | st.tuples(days, days).map(sorted)


@examples
@given(
    st.lists(
        st.tuples(
            cells("enrollments", "shop"),
            st.sampled_from([DOUYIN, WECHAT]),
            st.sampled_from(Enrollment.State.values),
            st.integers(0, 3),
            ends,
            st.sampled_from(["", *Opening.Cause.values]),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda enrollment: enrollment[0],
    )
)
def test_enrollments_go_out_and_in_again(enrollments: list[tuple]) -> None:
    def test() -> None:
        for code, alliance, state, used, lasted, cause in enrollments:
            used = max(used, 1) if state in ("open", "cleared") else used
            enrollment = Enrollment.objects.create(
                shop=make_shop(code=code),
                alliance=Alliance.objects.get(code=alliance),
                state=state,
                openings_used=used,
            )
            for number in range(1, used + 1):
                closed = number < used or state != "open"
                Opening.objects.create(
                    enrollment=enrollment,
                    number=number,
                    opened_on=lasted and lasted[0],
                    closed_on=lasted[1] if lasted and closed else None,
                    cause=cause if closed else "",
                    closed=closed,
                )
        identical("enrollments", "/admin/shops/enrollment/export/", len(enrollments))

    apart(test)


def test_one_that_has_applied_again_tells_nothing_of_its_last_time() -> None:
    make_enrollment(state="applied", openings=1)
    identical("enrollments", "/admin/shops/enrollment/export/", 1)


@examples
@given(
    st.lists(
        st.tuples(
            st.sampled_from(Qualification.Kind.values),
            cells("qualifications", "brand").filter(bool),
            st.none() | st.dates(date(2000, 1, 1), date(2099, 1, 1)),
            st.sampled_from(Qualification.Verdict.values),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda paper: paper[:3],
    ),
    cells("qualifications", "shop"),
)
def test_qualifications_go_out_and_in_again(papers: list[tuple], code: str) -> None:
    def test() -> None:
        shop = make_shop(code=code)
        for kind, brand, valid_until, verdict in papers:
            make_qualification(shop, kind=kind, brand=brand, valid_until=valid_until, verdict=verdict)
        identical("qualifications", "/admin/shops/qualification/export/", len(papers))

    apart(test)


@examples
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "code": cells("products", "code"),
                "name": cells("products", "name"),
                "category": cells("products", "category") | st.just("local-life"),
                "price": st.none() | st.decimals(0, Decimal("999999999999.99"), places=2),
                "status": st.sampled_from(["", *Product.Status.values]),
            }
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda product: product["code"],
    ),
    cells("products", "shop"),
)
def test_products_go_out_and_in_again(products: list[dict[str, Any]], code: str) -> None:
    def test() -> None:
        shop = make_shop(code=code)
        for product in products:
            make_product(shop, **product)
        identical("products", "/admin/shops/product/export/", len(products))

    apart(test)


@examples
@given(
    st.lists(
        st.tuples(
            cells("listings", "product"),
            st.sampled_from([DOUYIN, WECHAT]),
            st.sampled_from(Listing.State.values),
            st.none() | days,
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda listing: listing[0],
    )
)
def test_listings_go_out_and_in_again(listings: list[tuple]) -> None:
    def test() -> None:
        for code, alliance, state, since in listings:
            make_listing(make_product(code=code), alliance, state=state, since=since)
        identical("listings", "/admin/shops/listing/export/", len(listings))

    apart(test)


moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 3, 10), timezones=st.just(SHANGHAI)).map(
    lambda moment: moment.replace(microsecond=0)
)


@examples
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "reference": cells("penalties", "reference").filter(bool),
                "violation": st.sampled_from(["V1", "V8", "V9", "V11"]),
                "imposed_at": moments,
                "alliance": st.sampled_from(["", DOUYIN, WECHAT]),
                "product": st.sampled_from(["", "G1"]),
                "status": st.sampled_from(["reported", "imposed"]),
                "ends_at": st.sampled_from(["", "2031-01-01 08:00"]),
                "points": st.sampled_from(["", "4"]),
                "deposit_deducted": st.sampled_from(["", "0.01", "12.50"]),
                "reason": cells("penalties", "reason"),
            }
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda penalty: penalty["reference"],
    )
)
def test_penalties_go_out_and_in_again(penalties: list[dict[str, Any]]) -> None:
    """In the columns of a file; the list has more, of the desk's own."""

    def test() -> None:
        make_product(make_shop(code="S1"), code="G1")
        header = ["shop", *penalties[0]]
        rows = []
        for penalty in penalties:
            if penalty["status"] == "reported":
                penalty = penalty | dict.fromkeys(("ends_at", "points", "deposit_deducted"), "")
            rows.append(["S1", *(str(penalty[name]) for name in header[1:])])
        came = bring("penalties", "".join(csv_lines(header, rows)))
        assert (counts(came), errors(came)) == ((len(penalties), len(penalties), 0, 0, 0), [])
        columns = [column.name for column in SOURCES["shops.penalty"].export_columns()]
        desks = tuple(name for name in columns if name.startswith("desk_"))
        identical("penalties", "/admin/shops/penalty/export/", len(penalties), without=desks)

    apart(test)


def orders() -> st.SearchStrategy[dict[str, Any]]:
    """A value within its bounds for each figure of a product, or none; no more refunds than orders."""
    known: dict[str, st.SearchStrategy] = {
        key: st.none() | st.decimals(metric.minimum, metric.maximum, places=metric.decimals)
        for key, metric in PRODUCT_METRICS.items()
    }

    def without_contradiction(values: dict[str, Any]) -> dict[str, Any]:
        refunds, paid = values["quality_refunds"], values["valid_paid_orders"]
        few = refunds if None in (refunds, paid) else min(refunds, paid)
        return {**values, "quality_refunds": few}

    return st.fixed_dictionaries(known).map(without_contradiction)


@examples
@given(st.dictionaries(cells("product_metrics", "product"), orders(), min_size=1, max_size=5))
def test_a_days_product_metrics_go_out_and_in_again(measured: dict[str, dict[str, Any]]) -> None:
    def test() -> None:
        for code, values in measured.items():
            make_product_metrics(make_product(code=code), **values)
        make_product_metrics(make_product(), DAY - timedelta(days=1))
        day = {"day": DAY.isoformat()}
        identical("product_metrics", "/admin/shops/product/metrics/", len(measured), day)

    apart(test)


def figures() -> st.SearchStrategy[dict[str, Any]]:
    """A value within its bounds for every metric, or none: missing, or not given yet."""
    known: dict[str, st.SearchStrategy] = {}
    for key, metric in METRICS.items():
        if metric.type is MetricType.FLAG:
            known[key] = st.sampled_from([None, True, False])
        else:
            known[key] = st.none() | st.decimals(metric.minimum, metric.maximum, places=metric.decimals)
        if metric.knows_none_yet:
            known[f"{key}_none"] = st.booleans()

    def without_contradiction(values: dict[str, Any]) -> dict[str, Any]:
        return {key: None if values.get(f"{key}_none") else value for key, value in values.items()}

    return st.fixed_dictionaries(known).map(without_contradiction)


@examples
@given(st.dictionaries(cells("metrics", "shop"), figures(), min_size=1, max_size=5))
def test_a_days_metrics_go_out_and_in_again(measured: dict[str, dict[str, Any]]) -> None:
    def test() -> None:
        for code, values in measured.items():
            make_metrics(make_shop(code=code), **values)
        make_metrics(make_shop(), DAY - timedelta(days=1))
        identical("metrics", "/admin/shops/shop/metrics/", len(measured), {"day": DAY.isoformat()})

    apart(test)


def test_what_would_be_lost_is_noticed() -> None:
    """The control: a value that differs makes a row that isn't unchanged."""
    make_metrics(make_shop(code="S1"), gmv_30d=Decimal("1.00"))
    batch = bring("metrics", f"shop,day,gmv_30d\nS1,{DAY},1.01\n", at=AT + timedelta(days=1))
    assert counts(batch) == (1, 0, 1, 0, 0)
