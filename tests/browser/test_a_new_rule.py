"""A rule is changed as people do it: drafted, simulated, submitted, published by another, and in force."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.utils.timezone import get_default_timezone, localdate
from playwright.sync_api import expect

from rules import sweeps
from rules.models import RuleSet
from shops.models import Alliance, Enrollment
from tests.browser.conftest import PASSWORD
from tests.factories import DOUYIN, make_enrollment, make_metrics, make_user

pytestmark = pytest.mark.browser

SHOWN = {"en": "≥ 4.20", "zh-hans": "≥ 4.20"}
KEPT_OUT = {"en": "no longer let in", "zh-hans": "不再准入"}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_from_a_draft_to_a_rule_in_force(language, committed_db, worker, a_visitor, picture) -> None:
    make_user("rules_editor", username="editor", password=PASSWORD)
    make_user("supervisor", username="supervisor", password=PASSWORD)
    today = localdate()
    first_day = today + timedelta(days=7)
    # 4.15 is above 4.1 and below 4.2.
    applied = make_enrollment(state=Enrollment.State.APPLIED)
    for day in (today, first_day - timedelta(days=1), first_day + timedelta(days=1)):
        make_metrics(applied.shop, day, shop_score="4.15")
    in_force = RuleSet.objects.get(alliance__code=DOUYIN, purpose=RuleSet.Purpose.ADMISSION)

    editor = a_visitor("editor", language)
    editor.goto(f"/admin/rules/ruleset/{in_force.pk}/change/")
    editor.locator("button[formaction$='/draft/']").click()
    draft = RuleSet.objects.get(based_on=in_force)
    expect(editor).to_have_url(f"{editor.url.split('/admin')[0]}/admin/rules/ruleset/{draft.pk}/change/")
    editor.get_by_role("link", name="DF-A5").click()
    editor.select_option("#id_operator", "≥")
    editor.fill("#id_value", "4.2")
    editor.locator("input[type=submit].default").click()
    expect(editor.locator("table.rules")).to_contain_text(SHOWN[language])
    picture(editor, f"rule-draft-{language}")

    editor.locator(f"a[href$='simulation/add/?rule_set={draft.pk}']").click()
    editor.locator("input[type=submit].default").click()
    worker.burst()
    editor.reload()
    expect(editor.locator(".count-kept_out")).to_contain_text(KEPT_OUT[language])
    expect(editor.locator(".count-kept_out .count")).to_have_text("1")
    # Today's threshold and the draft's, drawn into the distribution.
    expect(editor.locator("svg .threshold-label.now", has_text="4.1")).to_be_visible()
    expect(editor.locator("svg .threshold-label.draft", has_text="4.2")).to_be_visible()
    picture(editor, f"rule-simulated-{language}")

    editor.goto(f"/admin/rules/ruleset/{draft.pk}/submit/")
    editor.locator("select[name=simulation]").select_option(index=0)
    editor.locator("input[type=submit].default").click()
    assert editor.request.get(f"/admin/rules/ruleset/{draft.pk}/publish/").status == 403

    supervisor = a_visitor("supervisor", language)
    supervisor.goto(f"/admin/rules/ruleset/{draft.pk}/publish/")
    supervisor.fill("#id_in_force_from", first_day.isoformat())
    supervisor.locator("input[type=submit].default").click()
    supervisor.wait_for_url("**/change/")
    picture(supervisor, f"rule-published-{language}")
    draft.refresh_from_db()
    assert draft.in_force_from == first_day

    assert versions_on(first_day - timedelta(days=1)) == (1, {"admit": 1})
    assert versions_on(first_day + timedelta(days=1)) == (2, {})


def versions_on(day) -> tuple[int, dict[str, int]]:
    """Which version a check of that day goes by, and what it files."""
    at = datetime.combine(day + timedelta(days=1), time(9), get_default_timezone())
    alliance = Alliance.objects.get(code=DOUYIN)
    sweep = sweeps.run(sweeps.request(alliance=alliance, by=None, at=at, day=day).pk, at=at)
    assert sweep.admission is not None
    return sweep.admission.version, sweep.by_kind
