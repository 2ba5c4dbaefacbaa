"""A person sends a file with wrong rows, takes the good ones, mends the others and sends them again."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils.timezone import localdate
from playwright.sync_api import Page, expect

from shops.models import ImportBatch, ShopMetrics
from tests.browser.conftest import PASSWORD
from tests.factories import make_user
from tests.volumes import shops_sql, write_metrics

pytestmark = pytest.mark.browser

ROWS, WRONG = 50_000, 37
HEADERS = (
    "店铺编码,日期,近30天成交金额,近30天支付订单数,店铺评分,商家体验分,商品体验,服务体验,物流体验,好评率,"
    "验仓通过,已对接联盟平台,已对接ERP,已签署运费险"
)
TO_COME = localdate() + timedelta(days=30)
# How many cells of a column are spoilt by what; `%` stands for the number of the cell.
# The last one makes two rows wrong: its own, and the one whose key it repeats.
SPOILT = [
    (9, "近30天成交金额", "约5000"),
    (8, "店铺评分", "6.10"),
    (6, "店铺编码", "S99999%02d"),
    (5, "好评率", "96.5"),
    (4, "日期", f"{TO_COME}"),
    (3, "日期", "2026-02-30"),
    (1, "店铺编码", "S0000017"),
]
KINDS = {
    "应填写纯数字，例如 1234.56：不要带千分位、单位，也不要用科学计数法。": 9,
    "应填写 … 到 … 之间的数字。": 8,
    "没有使用该编码的店铺。请先导入店铺，或更正编码。": 6,
    "应填写 0 到 1 之间的比率；如果是百分数，请带上百分号，例如 95%。": 5,
    "该日期晚于文件的数据截止日 …，请更正日期。": 4,
    "应填写真实存在的日期，格式为 YYYY-MM-DD，例如 2024-08-31。": 3,
    "与第 … 行的关键列（…）相同。请只保留其中一行。": 2,
}


def test_wrong_rows_are_mended_and_sent_again(
    committed_db, worker, a_visitor, picture, tmp_path: Path
) -> None:
    make_user("operator", username="小林", password=PASSWORD)
    with connection.cursor() as cursor:
        cursor.execute(shops_sql(ROWS))
    day = localdate() - timedelta(days=1)
    right = spoilt_file(tmp_path / "七日指标.csv", day)
    worker.start()
    page = a_visitor("小林", "zh-hans")

    # Checked under the person's eyes: another's lock makes it last until the bar has been seen.
    with holding("shops_shop", "ACCESS EXCLUSIVE"):
        send(page, tmp_path / "七日指标.csv")
        expect(page.locator(".pill-checking")).to_have_text("校验中", timeout=60_000)
        assert 0 < bar_of(page) < 1
        picture(page, "bad-1-checking")

    # What is wrong, in words and figures.
    expect(page.locator(".pill-ready")).to_have_text("待确认", timeout=60_000)
    picture(page, "bad-2-ready")
    assert counts_of(page) == {"行数": "50,000", "新增": "49,963", "更新": "0", "未变": "0", "未导入": "37"}
    assert kinds_of(page) == list(KINDS.items())  # the most frequent first
    first, second = page.locator("section[aria-labelledby=what-is-wrong] table.cards tbody tr").all()[:2]
    told = "与第 44997 行的关键列（店铺编码, 日期）相同。请只保留其中一行。"
    assert first.locator("td").all_inner_texts() == ["19", "店铺编码", "S0000017", told]
    assert second.locator("td").all_inner_texts()[:3] == ["1002", "近30天成交金额", "约5000"]
    assert not ShopMetrics.objects.exists()

    # Applied; the bar goes on.
    with holding("shops_shopmetrics", "SHARE"):
        with holding("shops_shop", "ACCESS EXCLUSIVE"):
            page.get_by_role("button", name="确认导入", exact=True).click()
            expect(page.locator(".pill-applying")).to_have_text("写入中", timeout=60_000)
            checked = bar_of(page)
        expect(page.locator("progress")).to_have_attribute("value", "0.750", timeout=60_000)
        assert 0 < checked < bar_of(page) < 1
    expect(page.locator(".pill-applied")).to_have_text("已导入", timeout=60_000)
    picture(page, "bad-3-applied")
    assert ShopMetrics.objects.count() == ROWS - WRONG

    # The rejected rows, mended as a person would: the cells alone, the column of reasons left as it is.
    with page.expect_download() as download:
        page.get_by_role("link", name="出错行及原因").click()
    download.value.save_as(tmp_path / "出错行.csv")
    with open(tmp_path / "出错行.csv", encoding="utf-8", newline="") as file:
        text = file.read()
    assert text.startswith('\ufeff"错误原因","店铺编码","日期",')
    headers, *rejected = csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True))
    assert len(rejected) == WRONG
    with open(tmp_path / "已更正.csv", "w", encoding="utf-8-sig", newline="") as file:
        mended = csv.writer(file)
        mended.writerow(headers)
        mended.writerows([reasons, *cells] for (reasons, *_), cells in zip(rejected, right, strict=True))

    send(page, tmp_path / "已更正.csv")
    expect(page.locator(".pill-ready")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="确认导入", exact=True).click()
    expect(page.locator(".pill-applied")).to_have_text("已导入", timeout=60_000)
    assert counts_of(page) == {"行数": "37", "新增": "37", "更新": "0", "未变": "0", "未导入": "0"}
    picture(page, "bad-4-mended")

    assert ShopMetrics.objects.filter(day=day).count() == ROWS
    of_file = dict(ImportBatch.objects.values_list("file_name", "pk"))
    for name, created, rejected_rows in (("七日指标.csv", "49,963", "37"), ("已更正.csv", "37", "0")):
        page.goto(f"/admin/shops/importbatch/{of_file[name]}/change/")
        assert (counts_of(page)["新增"], counts_of(page)["未导入"]) == (created, rejected_rows)
        expect(page.locator(".fieldBox.field-received_by")).to_contain_text("小林")
        page.goto(f"/admin/shops/importbatch/{of_file[name]}/history/")
        picture(page, f"bad-5-history-{created}")
        told = page.locator("#change-history").inner_text()
        assert f"{localdate():%Y年}" in told and "小林" in told and "已确认" in told
        assert f"新增: 0 → {created}" in told


def spoilt_file(path: Path, day: date) -> list[list[str]]:
    """A file of metrics as a platform exports them, with wrong rows; returns these as they should be."""
    plain = write_metrics(path.with_suffix(".plain"), ROWS, [day])
    _headers, *lines = plain.read_text(encoding="utf-8").splitlines()
    columns = HEADERS.split(",")
    right = {17: lines[17].split(",")}
    place = 1_000
    for count, column, wrong in SPOILT:
        for number in range(count):
            cells = lines[place].split(",")
            right[place] = list(cells)
            cells[columns.index(column)] = wrong % number if "%" in wrong else wrong
            lines[place] = ",".join(cells)
            place += 1_257
    path.write_text("\n".join([HEADERS, *lines]), encoding="gb18030")
    return [right[place] for place in sorted(right)]


@contextmanager
def holding(table: str, mode: str) -> Iterator[None]:
    """Keep a worker from that table, as another's long transaction would."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield
        transaction.set_rollback(True)


def send(page: Page, file: Path) -> None:
    page.goto("/admin/shops/importbatch/add/")
    page.select_option("select[name=kind]", "metrics")
    page.set_input_files("input[type=file]", file)
    page.check("text=仅导入合格行")
    page.get_by_role("button", name="导入", exact=True).click()


def bar_of(page: Page) -> float:
    """How far the bar is, once it says anything."""
    bar = page.locator("progress")
    expect(bar).to_have_attribute("value", re.compile(r"^0\.(?!000)\d+$"), timeout=60_000)
    return float(bar.get_attribute("value") or 0)


def counts_of(page: Page) -> dict[str, str]:
    counts = page.locator(".counts").first
    return dict(
        zip(counts.locator("dt").all_inner_texts(), counts.locator("dd.count").all_inner_texts(), strict=True)
    )


def kinds_of(page: Page) -> list[tuple[str, int]]:
    rows = page.locator("table.kinds tr").all()
    return [(row.locator("td").inner_text(), int(row.locator("th").inner_text())) for row in rows]
