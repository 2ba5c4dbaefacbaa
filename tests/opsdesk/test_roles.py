"""Who may do what: people by their groups, and the application by its database role."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection
from simple_history.models import HistoricalChanges

from opsdesk import grants, roles
from tests.factories import make_user

pytestmark = pytest.mark.django_db

WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


def rights_on(table: str) -> set[str]:
    """What the role that this test runs as, the application's, may write to the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(right_) FILTER (WHERE has_table_privilege(current_user, %s, right_))"
            " FROM unnest(%s::text[]) right_",
            [table, list(WRITES)],
        )
        return set(cursor.fetchone()[0] or [])


HISTORIES = sorted(
    model._meta.db_table for model in apps.get_models() if issubclass(model, HistoricalChanges)
)


def test_there_are_histories_to_ask_about() -> None:
    audited = {model._meta.label for model in apps.get_models() if hasattr(model, "history")}
    assert {"shops.Penalty", "rules.Proposal", "opsdesk.Decision"} <= audited
    assert len(HISTORIES) == len(audited)


@pytest.mark.parametrize("table", HISTORIES)
def test_the_application_only_adds_to_a_history(table: str) -> None:
    assert rights_on(table) == {"INSERT"}


@pytest.mark.parametrize("label", sorted(grants.KEPT))
def test_the_application_deletes_no_decision_and_no_record_of_one(label: str) -> None:
    assert rights_on(apps.get_model(label)._meta.db_table) == {"INSERT", "UPDATE"}


@pytest.mark.parametrize("label", sorted(grants.APPEND_ONLY))
def test_the_application_only_adds_to_what_is_append_only(label: str) -> None:
    assert rights_on(apps.get_model(label)._meta.db_table) == {"INSERT"}


def test_the_application_owns_nothing_and_truncates_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND (pg_get_userbyid(relowner) = current_user"
            "      OR has_table_privilege(current_user, oid, 'TRUNCATE'))"
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT has_schema_privilege(current_user, 'public', 'CREATE')")
        assert cursor.fetchone() == (False,)


def test_the_groups_say_exactly_what_the_page_of_roles_says() -> None:
    held = {
        group.name: {
            f"{app}.{codename}"
            for app, codename in group.permissions.values_list("content_type__app_label", "codename")
        }
        for group in Group.objects.all()
    }
    assert held == {name: set(role.permissions) for name, role in roles.ROLES.items()}


def test_every_permission_of_the_page_exists() -> None:
    """write_groups leaves out what it doesn't find: nobody would hold a misspelt permission, silently."""
    known = {
        f"{app}.{codename}"
        for app, codename in Permission.objects.values_list("content_type__app_label", "codename")
    }
    for role in roles.ROLES.values():
        assert role.permissions <= known


def own_permissions() -> set[str]:
    """Those that models name themselves: what verbs ask for."""
    return {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        for codename, _name in model._meta.permissions
        if model._meta.app_label in {"shops", "rules", "opsdesk"}
    }


def test_the_administrator_administers_people_and_decides_nothing() -> None:
    administrator = make_user("administrator")
    assert not [permission for permission in own_permissions() if administrator.has_perm(permission)]
    assert administrator.has_perm("auth.change_user")
    assert not administrator.has_perm("rules.view_proposal")


def test_the_auditor_reads_all_and_changes_nothing() -> None:
    held = roles.ROLES["auditor"].permissions
    assert held >= roles.READS
    changing = {name for name in held - roles.READS - roles.SEES_APPEALS if "export" not in name}
    assert not changing


def test_the_supervisor_may_all_that_an_operator_may_and_more() -> None:
    assert roles.ROLES["operator"].permissions < roles.ROLES["supervisor"].permissions


def test_every_verb_has_somebody_who_may() -> None:
    held = frozenset().union(*(role.permissions for role in roles.ROLES.values()))
    assert own_permissions() <= held


@pytest.mark.parametrize("role", roles.ROLES)
def test_nobody_deletes_or_changes_what_only_verbs_write(role: str) -> None:
    edits = {
        permission
        for permission in roles.ROLES[role].permissions
        if permission.split(".")[0] in {"shops", "rules", "opsdesk"}
        and permission.split(".")[1].startswith(("add_", "change_", "delete_"))
    }
    allowed = {
        "rules_editor": {"rules.add_ruleset", "rules.change_ruleset"},
        "finance": roles.REQUIRES,
        "supervisor": {
            *roles.REQUIRES,
            "shops.change_alliance",
            "shops.change_violation",
            "shops.add_pointsthreshold",
            "shops.change_pointsthreshold",
            "shops.delete_pointsthreshold",
            *roles.REQUIRES,
            "opsdesk.change_appealterms",
        },
    }
    assert edits == allowed.get(role, set())
