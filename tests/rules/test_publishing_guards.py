"""What the database asks of a publication, whoever asks it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from rules import drafts, publishing
from rules.models import RuleSet, SimulatedChange, Simulation
from tests.factories import (
    AT,
    make_shop,
    make_simulation,
)

pytestmark = pytest.mark.django_db


PUBLISHED = "UPDATE rules_ruleset SET published_at = now(), in_force_from = '2030-01-01'"


def refused(statement: str, *params: object, match: str) -> None:
    with pytest.raises(DatabaseError, match=match), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)


def test_the_database_publishes_no_draft_that_was_not_submitted(draft: RuleSet, supervisor: User) -> None:
    for statement in (f"{PUBLISHED} WHERE id = %s", f"{PUBLISHED}, drafted_by_id = NULL WHERE id = %s"):
        refused(statement, draft.pk, match="published is what was submitted")
    refused(
        f"{PUBLISHED}, submitted_at = now(), submitted_by_id = drafted_by_id, simulation_id = %s,"
        " published_by_id = %s WHERE id = %s",
        *(make_simulation(draft).pk, supervisor.pk, draft.pk),
        match="published is what was submitted",
    )


def test_the_database_publishes_nothing_in_nobodys_name(submitted: RuleSet) -> None:
    refused(f"{PUBLISHED} WHERE id = %s", submitted.pk, match="by somebody")


def test_the_database_publishes_nothing_without_its_own_simulation(draft: RuleSet, supervisor: User) -> None:
    draft.submitted_at, draft.submitted_by, draft.simulation = AT, draft.drafted_by, make_simulation()
    draft.save()
    statement = f"{PUBLISHED}, published_by_id = %s WHERE id = %s"
    refused(statement, supervisor.pk, draft.pk, match="with its simulation")


def test_the_database_publishes_nothing_without_a_rule_to_evaluate(draft: RuleSet, supervisor: User) -> None:
    draft.rules.exclude(metric="").delete()
    draft.submitted_at, draft.submitted_by, draft.simulation = AT, draft.drafted_by, make_simulation(draft)
    draft.save()
    statement = f"{PUBLISHED}, published_by_id = %s WHERE id = %s"
    refused(statement, supervisor.pk, draft.pk, match="a rule to evaluate")


def test_no_set_begins_as_published() -> None:
    refused(
        "INSERT INTO rules_ruleset (alliance_id, subject, purpose, version, mode, note, short_notice_reason,"
        " published_at, in_force_from)"
        " SELECT id, 'shop', 'warning', 1, 'propose', '', '', now(), '2030-01-01' FROM shops_alliance",
        match="published is what was submitted",
    )


def test_what_was_simulated_never_changes(submitted: RuleSet) -> None:
    simulation = submitted.simulation
    assert simulation is not None
    shop = make_shop()
    refused(
        "UPDATE rules_simulation SET digest = '' WHERE id = %s", simulation.pk, match="what is done never"
    )
    refused(
        "INSERT INTO rules_simulatedchange (simulation_id, shop_id, change, rules)"
        " VALUES (%s, %s, 'rescued', '{}')",
        *(simulation.pk, shop.pk),
        match="what a simulation told never changes",
    )
    told = {"simulation": make_simulation(status="running", finished_at=None), "shop": shop}
    row = SimulatedChange.objects.create(**told, change=SimulatedChange.Change.RESCUED)
    refused(
        "UPDATE rules_simulatedchange SET change = 'warned' WHERE id = %s",
        row.pk,
        match="what a simulation told never changes",
    )


def test_what_a_submission_rests_on_is_kept(draft: RuleSet, editor: User) -> None:
    simulation = make_simulation(draft, status="running", finished_at=None)
    told = {"simulation": simulation, "shop": make_shop(), "change": SimulatedChange.Change.RESCUED}
    row = SimulatedChange.objects.create(**told)
    simulation.status, simulation.finished_at = Simulation.Status.DONE, AT
    simulation.save()
    publishing.submit(draft, simulation, by=editor, at=AT)
    delete = "DELETE FROM rules_simulatedchange WHERE id = %s"
    refused(delete, row.pk, match="what a simulation told never changes")
    publishing.withdraw_submission(draft, by=editor, reason="a slip")
    drafts.discard(draft, by=editor, reason="a slip")
    assert not SimulatedChange.objects.filter(pk=row.pk).exists()
