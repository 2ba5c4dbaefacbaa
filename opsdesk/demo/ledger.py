"""The money of the demonstration: what shops have to hold, have paid in, and what has moved since."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.backends.utils import CursorWrapper

from opsdesk.demo.boundaries import PREFIX
from opsdesk.demo.files import next_import, record
from opsdesk.demo.loading import insert
from opsdesk.demo.moments import Past
from shops import deposits, topups
from shops.accounts import balance_of
from shops.models import DepositRequirement, ImportBatch, Shop

# Yuan that a shop of each main category holds on Douyin; the documents name no amounts.
REQUIRED = {"": 2_000, "女装": 3_000, "美妆护肤": 5_000, "食品生鲜": 5_000, "家用电器": 8_000}
# Each entry takes its turn at its account: on a large desk the first shops alone have one.
MOST_ACCOUNTS = 5_000
# Of twenty shops one has paid in too little, and one more than it had to.
PAID = "CASE d.seed %% 20 WHEN 0 THEN 0.6 WHEN 1 THEN 1.5 ELSE 1 END"


def load_deposits(cursor: CursorWrapper, past: Past) -> None:
    """What is required of shops on Douyin, and what they paid in before the desk began."""
    at = past.began + timedelta(minutes=20)
    insert(
        cursor,
        DepositRequirement,
        "INSERT INTO shops_depositrequirement (alliance_id, category, base_fen)"
        " SELECT a.id, asked.category, asked.yuan * 100 FROM shops_alliance a"
        " CROSS JOIN unnest(%s::text[], %s::bigint[]) AS asked (category, yuan)"
        " WHERE a.code = 'douyin-featured' ORDER BY asked.category",
        [list(REQUIRED), list(REQUIRED.values())],
        at,
    )
    batch = next_import(cursor)
    cursor.execute(
        "INSERT INTO shops_depositentry"
        " (shop_id, kind, amount_fen, at, recorded_at, cause, reference, key, batch_id)"
        f" SELECT s.id, 'pay_in', (coalesce(own.base_fen, others.base_fen) * {PAID})::bigint, %s, %s,"
        " '开店缴存保证金', 'DEP-' || d.code, 'reference DEP-' || d.code, %s"
        " FROM demo_shop d JOIN shops_shop s ON s.code = d.code"
        " JOIN shops_depositrequirement others ON others.category = ''"
        " LEFT JOIN shops_depositrequirement own ON own.category = d.category"
        " WHERE NOT d.wechat_shop AND d.closed_cause <> 'violation' ORDER BY s.code LIMIT %s",
        [at - timedelta(days=30), at, batch, MOST_ACCOUNTS],
    )
    record(cursor, batch, ImportBatch.Kind.DEPOSITS, at.date(), at, created=cursor.rowcount)


def tell_of_money(finance: User, past: Past) -> None:
    """What finance has entered since: one shop owes since too long, one has paid a part, and the like."""
    some = (
        Shop.objects.filter(deposit_entries__isnull=False, penalties=None)
        .exclude(code__startswith=PREFIX)
        .order_by("code")
    )
    trading = list(some.filter(status=Shop.Status.NORMAL)[:6])
    for shop, tell in zip(
        trading, (_overdue, _paid_in_part, _taken_back, _compensated, _counted_twice), strict=False
    ):
        tell(shop, finance, past)
    for shop in some.filter(status=Shop.Status.CLOSED)[:1]:
        _refunded(shop, finance, past)


def _entry(past: Past, days_ago: int, clock: str, finance: User, cause: str, key: str) -> dict:
    at: datetime = past.on(past.last_day - timedelta(days=days_ago), clock)
    return {"by": finance, "at": at, "cause": cause, "key": f"demonstration {key}"}


def _overdue(shop: Shop, finance: User, past: Past) -> None:
    fen = balance_of(shop) + 800_00
    entered = _entry(past, 20, "15:30", finance, "批量迟发货赔付后扣划", "overdue")
    owed = deposits.deduct(shop=shop, amount_fen=fen, **entered).top_up
    assert owed is not None
    topups.remind(owed, by=finance, at=past.on(past.last_day - timedelta(days=9), "10:00"), note="已电话提醒")


def _paid_in_part(shop: Shop, finance: User, past: Past) -> None:
    entered = _entry(past, 3, "11:20", finance, "虚假宣传扣划", "in part")
    deposits.deduct(shop=shop, amount_fen=balance_of(shop) + 500_00, **entered)
    deposits.top_up(shop=shop, amount_fen=200_00, **_entry(past, 1, "16:40", finance, "补缴", "a part"))


def _taken_back(shop: Shop, finance: User, past: Past) -> None:
    entry = deposits.deduct(
        shop=shop, amount_fen=300_00, **_entry(past, 12, "14:10", finance, "迟发货扣划", "wrong shop")
    ).entry
    assert entry is not None
    deposits.reverse(entry, **_entry(past, 11, "09:50", finance, "扣错店铺", "taken back"))


def _compensated(shop: Shop, finance: User, past: Past) -> None:
    entered = _entry(past, 8, "18:00", finance, "商品质量问题赔付买家", "compensated")
    deposits.compensate(shop=shop, amount_fen=88_80, **entered)


def _counted_twice(shop: Shop, finance: User, past: Past) -> None:
    entered = _entry(past, 5, "12:00", finance, "手续费重复入账", "counted twice")
    deposits.adjust(shop=shop, amount_fen=-50, **entered)


def _refunded(shop: Shop, finance: User, past: Past) -> None:
    entered = _entry(past, 2, "11:00", finance, "主动关店退回", "refunded")
    deposits.refund(shop=shop, amount_fen=balance_of(shop), **entered)
