"""The ground itself: tests run as the application, and a committed database is a database of one's own."""

from __future__ import annotations

import urllib.request

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, connections
from django.db.utils import ProgrammingError

from opsdesk import roles


@pytest.mark.django_db
def test_a_test_is_the_application_and_cannot_create_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("opsdesk_app",)
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute("CREATE TABLE something ()")


@pytest.mark.django_db(databases=["default", "owner"])
def test_both_aliases_are_one_database_with_every_role_in_it() -> None:
    assert connections["owner"].settings_dict["NAME"] == connection.settings_dict["NAME"]
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)


@pytest.mark.parametrize("time", [1, 2])
def test_what_is_committed_is_gone_in_the_next_test(committed_db, time: int) -> None:
    assert not User.objects.exists()
    User.objects.create_user("someone")


def test_a_live_desk_answers(live_desk: str) -> None:
    with urllib.request.urlopen(f"{live_desk}/admin/login/") as answer:
        assert answer.status == 200


def test_a_worker_finds_an_empty_queue(worker) -> None:
    worker.burst()
