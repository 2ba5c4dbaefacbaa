"""What shops owe their deposits, on finance's home page."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from shops import topups
from tests.factories import AT, make_shop, make_user

pytestmark = pytest.mark.django_db


def home(role: str) -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user(role))
    return client.get("/admin/").content.decode()


def test_finance_sees_what_shops_owe_and_nobody_else_does() -> None:
    for days, key in ((-1, "late"), (0, "today")):
        topups.demand(
            shop=make_shop(),
            amount_fen=1,
            by=None,
            at=AT - timedelta(days=5),
            key=key,
            due_on=AT.date() + timedelta(days=days),
        )
    with time_machine.travel(AT, tick=False):
        finance, operator = home("finance"), home("operator")
    assert all(told in finance for told in ("Top-ups due", "1 overdue", "due on 10 Mar 2026"))
    assert "1 overdue" not in operator


def test_where_nobody_owes_anything_finance_reads_so() -> None:
    assert "No shop owes anything to its deposit." in home("finance")
