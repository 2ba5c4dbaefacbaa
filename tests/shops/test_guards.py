"""What the database itself refuses, and the partitions it makes for the application."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from rules.models import Rule, RuleSet
from shops.models import Opening, Penalty
from tests.factories import (
    AT,
    DAY,
    make_enrollment,
    make_metrics,
    make_penalty,
    make_proposal,
    make_shop,
    make_user,
)


def make_month(day: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT shops_make_month(%s)", [day])


@pytest.mark.django_db
def test_the_application_gets_a_month_by_asking_and_asking_again_is_safe() -> None:
    for day in (date(2031, 1, 31), date(2031, 1, 1), date(2031, 2, 1)):
        make_month(day)
    shop = make_shop()
    for day in (date(2031, 1, 31), date(2031, 2, 1)):
        make_metrics(shop, day)


def test_making_a_month_does_not_keep_others_from_reading(committed_db) -> None:
    make_metrics(make_shop())
    with transaction.atomic():
        make_month(date(2031, 1, 1))
        with psycopg.connect(committed_db.env["DATABASE_URL"]) as another:
            another.execute("SET statement_timeout = '5s'")
            assert another.execute("SELECT count(*) FROM shops_shopmetrics").fetchone() == (1,)


@pytest.mark.django_db
def test_a_score_that_is_not_given_yet_is_no_number_too() -> None:
    with pytest.raises(IntegrityError, match="score_is_none_or_a_number"):
        make_metrics(make_shop(), shop_score="4.50", shop_score_none=True)


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"number": 2}, {"opened_on": DAY}])
def test_an_openings_number_and_date_never_change(change: dict) -> None:
    make_enrollment()
    opening = Opening.objects.get()
    for field, value in change.items():
        setattr(opening, field, value)
    with pytest.raises(IntegrityError, match="never change"):
        opening.save()


@pytest.mark.django_db
def test_a_fourth_opening_is_refused_by_the_database() -> None:
    enrollment = make_enrollment(openings=3)
    Opening.objects.filter(closed=False).get()
    with pytest.raises(IntegrityError, match="only 3 are allowed"):
        Opening.objects.create(enrollment=enrollment, number=4, opened_on=DAY, closed=True)


@pytest.mark.django_db
def test_a_published_rule_set_never_changes() -> None:
    rule_set = RuleSet.objects.first()
    assert rule_set is not None
    rule_set.mode = "automatic"
    with pytest.raises(IntegrityError, match="published sets never change"), transaction.atomic():
        rule_set.save()
    rule = Rule.objects.exclude(metric="").first()
    assert rule is not None
    rule.value = "9"
    with pytest.raises(IntegrityError, match="published set never change"), transaction.atomic():
        rule.save()
    with pytest.raises(IntegrityError, match="published set never change"), transaction.atomic():
        Rule.objects.create(rule_set=rule_set, position=99, code="DF-X")
    with pytest.raises(IntegrityError, match="published set never change"), transaction.atomic():
        Rule.objects.filter(pk=rule.pk)._raw_delete("default")


@pytest.mark.django_db
def test_what_a_proposal_was_filed_with_never_changes() -> None:
    proposal = make_proposal()
    proposal.evidence = {**proposal.evidence, "day": str(DAY + timedelta(days=1))}
    with pytest.raises(IntegrityError, match="what was filed never changes"):
        proposal.save()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["imposed_by", "approved_by", "reported_by"])
@pytest.mark.parametrize("known", [True, False])
def test_who_had_a_part_in_a_penalty_never_changes(name: str, known: bool) -> None:
    penalty = make_penalty(violation_code="V1", **({name: make_user()} if known else {}))
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Penalty.objects.filter(pk=penalty.pk).update(**{name: make_user()})


@pytest.mark.django_db
@pytest.mark.parametrize("values", [{"imposed_at": AT}, {"reported_at": AT}, {"violation_version": 1}])
def test_when_and_under_what_a_penalty_was_imposed_never_changes(values: dict) -> None:
    penalty = make_penalty(violation_code="V1", at=AT - timedelta(days=1))
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Penalty.objects.filter(pk=penalty.pk).update(**values)


@pytest.mark.django_db
def test_every_guard_reads_the_desks_own_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
            " WHERE pronamespace = 'public'::regnamespace AND lanname IN ('plpgsql', 'sql')"
            " AND NOT 'search_path=public, pg_temp' = ANY (coalesce(proconfig, '{}'))"
            # Those that are parsed as they are made have found their names by then.
            " AND prosqlbody IS NULL ORDER BY 1"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_a_temporary_table_does_not_stand_in_for_what_a_guard_reads() -> None:
    make_enrollment(openings=3)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE shops_alliance AS SELECT id, 9 AS openings_limit FROM public.shops_alliance"
        )
        with pytest.raises(IntegrityError, match="only 3 are allowed"):
            cursor.execute(
                "INSERT INTO public.shops_opening (enrollment_id, number, opened_on, closed)"
                " SELECT id, 4, %s, true FROM public.shops_enrollment",
                [DAY],
            )
