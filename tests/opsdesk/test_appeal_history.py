"""What became of an appeal and of its penalty, as their histories tell it."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from opsdesk import appeals
from tests.clients import client_of
from tests.factories import make_appeal, make_cleared_and_warned, make_user
from tests.opsdesk.test_appeal_admin import NOW, address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_days_later")]


def test_a_history_tells_reasons_and_measures_in_words(judge: User) -> None:
    appeal = make_appeal(make_cleared_and_warned())
    supervisor = make_user("supervisor")
    appeals.stay(appeal.pk, reason="等待核实", by=supervisor, at=NOW)
    appeals.unstay(appeal.pk, reason="已核实", by=supervisor, at=NOW)
    appeals.take(appeal.pk, by=judge, at=NOW)
    warning = appeal.penalty.measures.get(kind="warning")
    appeals.grant_in_part(appeal.pk, measures=[warning.pk], reason="过重", by=judge, at=NOW)
    client = client_of("auditor", "zh-hans")
    history = client.get(address("history", appeal.pk)).content.decode()
    assert all(words in history for words in ("暂缓执行：等待核实", "恢复执行：已核实", "– → 预警"))
    assert f"[{warning.pk}]" not in history
    case = [appeal.penalty_id]
    page = client.get(reverse("admin:shops_penalty_change", args=case)).content.decode()
    page = re.sub(r"<[^>]+>", "", page)
    done = ("暂缓执行：经申诉", "“预警”生效", "“预警”撤回", "撤回部分措施：经申诉")
    assert all(words in page for words in done)


def test_a_penaltys_history_tells_why_it_ended_in_words(judge: User) -> None:
    appeal = make_appeal()
    appeals.take(appeal.pk, by=judge, at=NOW)
    appeals.grant(appeal.pk, reason="有误", by=judge, at=NOW)
    client = client_of("auditor", "zh-hans")
    history = client.get(reverse("admin:shops_penalty_history", args=[appeal.penalty_id])).content.decode()
    assert "on appeal" not in history
    assert "below_bar" not in history
