"""The worst that was taken as evidence, in a browser that would run it if anything let it."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request

from opsdesk import appeals
from opsdesk.appeals import Offered
from opsdesk.models import Evidence
from tests.browser.conftest import PASSWORD
from tests.factories import make_appeal, make_cleared, make_user
from tests.opsdesk.files import HTML
from tests.opsdesk.hostile_evidence import Case, corpus

pytestmark = pytest.mark.browser

# What the title is once a script of such a file has run.
RAN = "PWNED"


def survivors(appeal_id: int) -> list[Evidence]:
    """What of the hostile files is taken, each under a name that is hostile, too."""

    def add(case: Case) -> list[Evidence]:
        name = f"<img src=x onerror=\"document.title='PWNED'\">{case.file_name}"
        offered = [Offered(name, io.BytesIO(case.content))]
        return appeals.add(appeal_id, evidence=offered, by=None, at=timezone.now())

    taken = [one for case in corpus() if not case.refusal for one in add(case)]
    text = "<script>document.title='PWNED'</script>"
    return [*taken, *appeals.add(appeal_id, text=text, by=None, at=timezone.now())]


def test_nothing_runs_and_nothing_is_asked_for_elsewhere(live_desk, a_visitor, settings) -> None:
    settings.EVIDENCE_MAX_FILES = 100
    make_user("appeals_officer", username="judge", password=PASSWORD)
    now = timezone.now()
    appeal = make_appeal(make_cleared(at=now - timedelta(days=3)), at=now)
    evidence = survivors(appeal.pk)
    assert len(evidence) >= 25

    page: Page = a_visitor("judge")
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.context.on("request", note)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(f"/admin/opsdesk/appeal/{appeal.pk}/change/")
    assert page.title() != RAN
    for one in evidence:
        address = f"/admin/opsdesk/appeal/evidence/{one.token}/"
        page.goto(address)
        assert page.title() != RAN
        assert page.locator("#content-main script, #content-main iframe, #content-main object").count() == 0
        if one.size:
            with page.expect_download() as download:
                page.get_by_role("link", name="Save the original").click()
            assert Path(download.value.path()).stat().st_size == one.size
    assert [url for url in asked if not url.startswith(live_desk) or "pwned" in url] == []


def test_the_same_page_would_run_if_it_were_answered_as_a_page(live_desk, a_visitor) -> None:
    """The control: what the test above looks for is what a browser does with such a file."""
    make_user("appeals_officer", username="judge", password=PASSWORD)
    page: Page = a_visitor("judge")
    page.route("**/original/", lambda route: route.fulfill(body=HTML, content_type="text/html"))
    page.route("**/pwned", lambda route: route.fulfill(body="", content_type="text/plain"))
    with page.expect_request("**/pwned"):
        page.goto("/admin/opsdesk/appeal/evidence/original/")
    assert page.title() == RAN
