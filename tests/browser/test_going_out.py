"""A person takes a list away: chooses columns, gets a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import PASSWORD
from tests.factories import make_shop, make_user

pytestmark = pytest.mark.browser


def test_a_person_chooses_columns_and_gets_the_file(committed_db, a_visitor, picture, tmp_path: Path) -> None:
    make_user("auditor", username="a", password=PASSWORD)
    make_shop(code="A1", name="青禾小店")
    page = a_visitor("a", "zh-hans")
    page.goto("/admin/shops/shop/?standing=normal")
    page.click("text=导出此列表")
    picture(page, "export")
    # One box clears all the others.
    page.uncheck("input[data-checks]")
    assert page.locator(".columns li input:checked").count() == 0
    page.check("text=name (店铺名称)")
    with page.expect_download() as download:
        page.click('input[type="submit"][value="导出"]')
    download.value.save_as(tmp_path / "shops.csv")
    assert (tmp_path / "shops.csv").read_text(encoding="utf-8-sig").split() == ['"name"', '"青禾小店"']
