"""`createdemo`: the same every time, each row with its history, the boundaries where they should be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps

from opsdesk import local_services
from shops.imports import path_of
from shops.metrics import METRICS, PRODUCT_METRICS
from shops.models import Audited
from tests import databases
from tests.conftest import DATA

ARGUMENTS = ("--shops", "300", "--days", "5", "--day", "2026-03-10", "--products", "50")
# What two runs may differ in: numbers given by the database, and how long things took.
NOT_COMPARED = [
    "id",
    "history_id",
    "history_date",
    "seconds",
    "proposal_id",
    "penalty_id",
    "opening_id",
    "token",
    "place",
]
APPS = ("shops", "rules", "opsdesk")


def manage(database: str, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=databases.CHECKOUT,
        env={**databases.environment(database), **env},
        capture_output=True,
        text=True,
    )


class Demo:
    """A database filled with demonstration data, and questions to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.run = manage(name, "createdemo", *ARGUMENTS, "--json")
        assert self.run.returncode == 0, self.run.stderr

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(local_services.administrator_url(DATA, self.name)) as connection:
            return connection.execute(query).fetchall()

    def contents(self) -> dict[str, str]:
        """A digest of each table."""
        models = [m for app in APPS for m in apps.get_app_config(app).get_models() if m._meta.managed]
        return {
            table: self.rows(
                "SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM ("
                f" SELECT to_jsonb(t) - ARRAY{NOT_COMPARED} AS row FROM {table} t) AS rows"
            )[0][0]
            for table in (model._meta.db_table for model in models)
        }


@pytest.fixture(scope="module")
def demo(cluster: databases.Cluster, migrated: str) -> Iterator[Demo]:
    name = cluster.clone(migrated)
    yield Demo(name)
    cluster.drop(name)


def test_the_same_arguments_give_the_same_data(demo: Demo, cluster: databases.Cluster, migrated: str) -> None:
    name = cluster.clone(migrated)
    try:
        assert Demo(name).contents() == demo.contents()
    finally:
        cluster.drop(name)


def test_json_is_one_value_that_counts_what_was_loaded(demo: Demo) -> None:
    said = json.loads(demo.run.stdout)
    assert said["shops"] == 300
    assert said["last_day"] == "2026-03-10"
    assert [(said["metrics"],)] == demo.rows("SELECT count(*) FROM shops_shopmetrics")
    assert [(said["product_metrics"],)] == demo.rows("SELECT count(*) FROM shops_productmetrics")
    assert said["products"] == 50
    assert [(said["decisions"],)] == demo.rows("SELECT count(*) FROM opsdesk_decision")


def test_every_audited_row_equals_its_latest_history(demo: Demo) -> None:
    audited = [m for app in APPS for m in apps.get_app_config(app).get_models() if issubclass(m, Audited)]
    assert len(audited) > 10
    for model in audited:
        live, history = model._meta.db_table, model.history.model._meta.db_table
        [(differing,)] = demo.rows(
            f"SELECT count(*) FROM {live} l LEFT JOIN LATERAL ("
            f" SELECT * FROM {history} h WHERE h.id = l.id"
            " ORDER BY history_date DESC, history_id DESC LIMIT 1"
            ") h ON true WHERE to_jsonb(l) IS DISTINCT FROM to_jsonb(h) - ARRAY['history_id', 'history_date',"
            " 'history_type', 'history_user_id', 'history_change_reason']"
        )
        assert differing == 0, live


def test_each_import_accounts_for_the_rows_it_loaded(demo: Demo) -> None:
    for kind, table in (
        ("shops", "shops_shop"),
        ("enrollments", "shops_enrollment"),
        ("qualifications", "shops_qualification"),
        ("metrics", "shops_shopmetrics"),
        ("products", "shops_product"),
        ("listings", "shops_listing"),
        ("product_metrics", "shops_productmetrics"),
    ):
        batches = demo.rows(f"SELECT id, created FROM shops_importbatch WHERE kind = '{kind}' ORDER BY id")
        loaded = demo.rows(f"SELECT batch_id, count(*) FROM {table} GROUP BY 1 ORDER BY 1")
        assert batches == loaded, kind
    assert demo.rows("SELECT DISTINCT state FROM shops_importbatch") == [("applied",)]


@pytest.mark.parametrize(
    "kind",
    [
        "shops",
        "qualifications",
        "metrics",
        "products",
        "listings",
        "product_metrics",
        "deposits",
    ],
)
def test_an_imports_kept_file_imported_again_changes_nothing(demo: Demo, kind: str) -> None:
    """Enrollments are left out: decisions have changed them since."""
    query = f"SELECT sha256, size, rows FROM shops_importbatch WHERE kind = '{kind}' ORDER BY id DESC LIMIT 1"
    [(sha256, size, rows)] = demo.rows(query)
    assert path_of(sha256).stat().st_size == size
    again = manage(demo.name, f"import_{kind}", str(path_of(sha256)), "--dry-run", "--json")
    said = json.loads(again.stdout)
    assert (said["rows"], said["unchanged"]) == (rows, rows), said["errors"]


def test_every_value_lies_within_its_metrics_bounds(demo: Demo) -> None:
    for table, metrics in (("shops_shopmetrics", METRICS), ("shops_productmetrics", PRODUCT_METRICS)):
        for metric in metrics.values():
            if metric.maximum is not None:
                [(lowest, highest)] = demo.rows(f"SELECT min({metric.key}), max({metric.key}) FROM {table}")
                assert metric.minimum <= lowest <= highest <= metric.maximum, metric.key


def test_products_are_listed_by_their_orders(demo: Demo) -> None:
    assert demo.rows("SELECT count(*) FROM shops_product") == [(50,)]
    assert demo.rows("SELECT count(*) FROM shops_productmetrics") == [(250,)]
    [(most,)] = demo.rows(
        "SELECT max(settled_orders) FROM shops_productmetrics m"
        " JOIN shops_product g ON g.id = m.product_id AND g.code NOT LIKE 'BOUND-%'"
        " JOIN shops_listing n ON n.product_id = m.product_id AND n.state IN ('observed', 'applied')"
    )
    assert most < 30
    # No orders, no rate; and never more refunds than orders.
    [(without, beyond)] = demo.rows(
        "SELECT count(*) FILTER (WHERE valid_paid_orders = 0),"
        " count(*) FILTER (WHERE quality_refunds > valid_paid_orders) FROM shops_productmetrics"
    )
    assert without > 0
    assert beyond == 0


def test_an_ordinary_shops_name_claims_no_brand(demo: Demo) -> None:
    assert demo.rows(
        "SELECT name FROM shops_shop WHERE shop_type = 'ordinary' AND name ~ '旗舰|专卖|专营|加盟|官方'"
    ) == []  # fmt: skip
    assert demo.rows("SELECT name FROM shops_shop WHERE shop_type = 'flagship' AND name !~ '旗舰店$'") == []


def test_shops_on_a_boundary_are_judged_as_the_rules_say(demo: Demo) -> None:
    filed = demo.rows(
        "SELECT s.code, p.kind, p.failed_rules FROM rules_proposal p JOIN shops_shop s ON s.id = p.shop_id"
        " WHERE s.code LIKE 'BOUND-%' AND p.status = 'open' AND p.product_id IS NULL ORDER BY 1"
    )
    assert {code: (kind, *rules) for code, kind, rules in filed} == {
        "BOUND-DF-A4-ABOVE": ("admit",),
        "BOUND-DF-A5-ABOVE": ("admit",),
        "BOUND-DF-A6-ABOVE": ("admit",),
        "BOUND-DF-A7-VIRTUAL": ("admit",),
        "BOUND-DF-A8-VIRTUAL": ("admit",),
        "BOUND-DF-A9-D365": ("admit",),
        "BOUND-DF-A10-MINOR": ("admit",),
        # A case that was only reported waits for somebody to decide it.
        "BOUND-DF-A10-REPORTED-OTHER": ("penalise", "V11"),
        "BOUND-DF-A11-BELOW": ("admit",),
        "BOUND-DF-A12-THIRD": ("admit",),
        "BOUND-DF-C1-BELOW": ("clear", "DF-C1"),
        "BOUND-DF-C2-EXPIRED": ("clear", "DF-C2"),
        "BOUND-DF-C2-MISSING": ("clear", "DF-C2"),
        "BOUND-DF-C2-REJECTED": ("clear", "DF-C2"),
        "BOUND-WS-A3-AT": ("admit",),
        "BOUND-WS-A3-NONE-YET": ("admit",),
        "BOUND-WS-C1-BELOW": ("clear", "WS-C1"),
        "BOUND-WS-O2-ABOVE": ("warn", "WS-O2"),
    }


def test_products_on_a_boundary_are_judged_as_the_rules_say(demo: Demo) -> None:
    filed = demo.rows(
        "SELECT g.code, p.kind, p.failed_rules FROM rules_proposal p JOIN shops_product g"
        " ON g.id = p.product_id WHERE g.code LIKE 'BOUND-%' AND p.status = 'open' ORDER BY 1"
    )
    assert {code: (kind, *rules) for code, kind, rules in filed} == {
        "BOUND-WS-O1-APPLIED-29": ("observe", "WS-O1"),
        "BOUND-WS-O1-APPLIED-NO-RATE": ("observe", "WS-O1"),
        "BOUND-WS-O1-OBSERVED-30": ("resume",),
    }
    assert demo.rows(
        "SELECT e.observed FROM rules_proposal e JOIN shops_shop s ON s.id = e.shop_id"
        " WHERE s.code = 'BOUND-WS-O2-ABOVE'"
    ) == [("5000.01",)]
    # They alone are sold by their shops.
    assert demo.rows(
        "SELECT count(*) FROM shops_product g JOIN shops_shop s ON s.id = g.shop_id"
        " WHERE s.code LIKE 'BOUND-WS-O%' AND g.code NOT LIKE 'BOUND-%'"
    ) == [(0,)]


def test_there_is_work_to_do_and_work_done(demo: Demo) -> None:
    states = dict(demo.rows("SELECT status, count(*) FROM rules_proposal GROUP BY 1"))
    assert states["open"] > 10
    assert states["accepted"] > 3
    assert states["rejected"] > 0
    executions = dict(demo.rows("SELECT state, count(*) FROM opsdesk_execution GROUP BY 1"))
    assert {"to_do", "done", "failed"} <= executions.keys()


def test_finance_finds_something_to_look_at(demo: Demo) -> None:
    kinds = dict(demo.rows("SELECT kind, count(*) FROM shops_depositentry GROUP BY 1"))
    assert {"pay_in", "deduct", "reversal", "top_up", "compensate", "adjust"} <= set(kinds)
    owed = demo.rows(
        "SELECT due_on < '2026-03-10', reminded_at IS NOT NULL, amount_fen FROM shops_topup"
        " WHERE state = 'open' ORDER BY due_on"
    )
    assert owed == [(True, True, 800_00), (False, False, 500_00)]
    assert manage(demo.name, "verify_ledger").returncode == 0


def test_an_appeals_officer_finds_hearings_to_go_on_with(demo: Demo) -> None:
    appeals = demo.rows("SELECT state, count(*) FROM opsdesk_appeal GROUP BY 1 ORDER BY 1")
    assert appeals == [("denied", 1), ("filed", 1), ("granted", 1), ("waiting", 1)]
    # Whoever was wronged is back in, and stays there on the next morning.
    [(state, proposed)] = demo.rows(
        "SELECT e.state, (SELECT count(*) FROM rules_proposal p WHERE p.shop_id = e.shop_id"
        "  AND p.alliance_id = e.alliance_id AND p.status = 'open')"
        " FROM opsdesk_appeal a JOIN shops_penalty p ON p.id = a.penalty_id"
        " JOIN shops_enrollment e ON e.shop_id = p.shop_id AND e.alliance_id = p.alliance_id"
        " WHERE a.state = 'granted'"
    )
    assert (state, proposed) == ("open", 0)
    assert manage(demo.name, "verify_all").returncode == 0


def test_nobody_of_the_demonstration_has_a_password(demo: Demo) -> None:
    people = demo.rows("SELECT username, left(password, 1) FROM auth_user ORDER BY 1")
    names = ["appeals-officer", "finance", "operator", "supervisor"]
    assert people == [(name, "!") for name in names]


def test_a_database_with_shops_is_refused(demo: Demo) -> None:
    again = manage(demo.name, "createdemo", *ARGUMENTS)
    assert again.returncode == 1
    assert "this one holds shops" in again.stderr


def test_production_is_refused(demo: Demo) -> None:
    production = manage(
        demo.name, "createdemo", *ARGUMENTS, DEBUG="0", SECRET_KEY="of its own", ALLOWED_HOSTS="desk"
    )
    assert production.returncode == 1
    assert "DEBUG is off" in production.stderr


@pytest.mark.parametrize("wrong", [("--days", "0"), ("--shops", "-1"), ("--day", "2999-01-01")])
def test_wrong_arguments_are_bad_usage(demo: Demo, wrong: tuple[str, str]) -> None:
    assert manage(demo.name, "createdemo", *wrong).returncode == 2
