"""Shops and products that stand exactly on a rule's boundary, so that anyone can look at how it is read.

BOUND-<rule>-<where>: `AT` is the threshold itself. Their metrics never move.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from opsdesk.demo import names
from opsdesk.demo.products import DemoProduct
from opsdesk.demo.shops import DemoShop, Standing, Walk
from shops.models import Enrollment, Listing, Opening, Penalty, Qualification, Shop

PREFIX = "BOUND-"
State, Cause, Verdict = Enrollment.State, Opening.Cause, Qualification.Verdict
MISSING: dict[str, Any] = {"shop_score": Walk(46000, blank=10_000)}
NONE_YET: dict[str, Any] = {"score_none": True}


def boundary(last_day: date) -> list[DemoShop]:
    """One shop for each case of the shop rules, as they are to be judged on the data of `last_day`."""
    shops = [*_douyin_admission(last_day), *_douyin_clearance(last_day), *_wechat(last_day)]
    for number, shop in enumerate(shops, start=1):
        shop.seed, shop.wobble = number, 0
        shop.contact, shop.account_manager = "店铺负责人", names.ACCOUNT_MANAGERS[0]
        shop.phone, shop.email = names.phone(99_000_000 + number), names.email(shop.code)
        shop.entered_on = last_day - timedelta(days=1200)
    return shops


def _scored(value: str) -> Walk:
    whole, _point, rest = value.partition(".")
    return Walk(int(whole + f"{rest:0<4}"))


def _douyin_admission(last_day: date) -> Iterator[DemoShop]:
    def applied(code: str, name: str, used: int = 0, **facts: Any) -> DemoShop:
        """A shop that meets every condition, but for what is said."""
        standing = _closed(State.APPLIED, used, last_day) if used else Standing(State.APPLIED)
        return DemoShop(f"{PREFIX}{code}", f"边界 {name}", 1, douyin=standing, **facts)

    def penalised(code: str, name: str, violation: str, day: date, **facts: Any) -> DemoShop:
        facts.setdefault("penalty_status", Penalty.Status.IMPOSED)
        return applied(code, name, violation=violation, penalty_on=day, **facts)

    yield applied("DF-A1-PREPARING", "店铺筹备中", status=Shop.Status.PREPARING)
    yield applied("DF-A2-SUSPENDED", "店铺已停业", status=Shop.Status.SUSPENDED)
    yield applied("DF-A3-NOT-OK", "账户异常", account_ok=False)
    yield applied("DF-A3-MISSING", "账户状态缺失", account_ok=None)
    yield applied("DF-A4-AT", "成交金额 0.00", gmv_fen=0)
    yield applied("DF-A4-ABOVE", "成交金额 0.01", gmv_fen=1)
    yield applied("DF-A5-AT", "店铺评分 4.10", shop_score=_scored("4.10"))
    yield applied("DF-A5-ABOVE", "店铺评分 4.11", shop_score=_scored("4.11"))
    yield applied("DF-A5-NONE-YET", "店铺评分 暂无", **NONE_YET)
    yield applied("DF-A5-MISSING", "店铺评分 缺失", **MISSING)
    yield applied("DF-A6-AT", "好评率 75.00%", positive=_scored("0.7500"))
    yield applied("DF-A6-ABOVE", "好评率 75.01%", positive=_scored("0.7501"))
    yield applied("DF-A7-FAILED", "验仓未通过", warehouse_passed=False)
    virtual: dict[str, Any] = {"goods_kind": Shop.GoodsKind.VIRTUAL, "category": "充值卡券"}
    yield applied("DF-A7-VIRTUAL", "虚拟商品 免验仓", warehouse_passed=False, **virtual)
    yield applied("DF-A7-MIXED", "混合商品 不免验仓", warehouse_passed=False, goods_kind=Shop.GoodsKind.MIXED)
    yield applied("DF-A8-HALF", "已接联盟 未接 ERP", erp_connected=False)
    yield applied("DF-A8-VIRTUAL", "虚拟商品 免对接", alliance_connected=None, erp_connected=None, **virtual)
    yield penalised("DF-A9-D364", "规避信息处罚 D-364", "V9", last_day - timedelta(days=364))
    yield penalised("DF-A9-D365", "规避信息处罚 D-365", "V9", last_day - timedelta(days=365))
    yield applied("DF-A10-SERIOUS", "关联店铺 严重违规", controller="C-BOUND-1")
    other = penalised(
        "DF-A10-SERIOUS-OTHER",
        "严重违规 已关店",
        "V4",
        last_day - timedelta(days=500),
        controller="C-BOUND-1",
    )
    other.status, other.closed_on, other.closed_cause = Shop.Status.CLOSED, other.penalty_on, "violation"
    other.douyin = Standing()
    yield other
    yield applied("DF-A10-REPORTED", "关联店铺 危及交易安全", controller="C-BOUND-2")
    other = penalised(
        "DF-A10-REPORTED-OTHER",
        "危及交易安全 仅报告",
        "V11",
        last_day - timedelta(days=500),
        controller="C-BOUND-2",
        penalty_status=Penalty.Status.REPORTED,
    )
    other.douyin = Standing()
    yield other
    yield applied("DF-A10-MINOR", "关联店铺 一般违规", controller="C-BOUND-3")
    other = penalised(
        "DF-A10-MINOR-OTHER", "一般违规", "V8", last_day - timedelta(days=100), controller="C-BOUND-3"
    )
    other.douyin = Standing()
    yield other
    yield applied("DF-A11-BELOW", "体验分 3.99 仅提示", experience=_scored("3.99"))
    yield applied("DF-A12-THIRD", "申请第三次开通", used=2)
    yield applied("DF-A12-FOURTH", "申请第四次开通", used=3)
    yield applied("DF-R17", "准入达标 体验分 3.40", shop_score=_scored("4.20"), experience=_scored("3.40"))


def _closed(state: str, openings: int, last_day: date) -> Standing:
    """A standing whose latest opening has ended."""
    opened_on = last_day - timedelta(days=200)
    return Standing(state, openings, opened_on, opened_on + timedelta(days=60), Cause.METRIC)


def _douyin_clearance(last_day: date) -> Iterator[DemoShop]:
    opened_on = last_day - timedelta(days=300)

    def inside(code: str, name: str, **facts: Any) -> DemoShop:
        standing = Standing(State.OPEN, 1, opened_on)
        return DemoShop(f"{PREFIX}{code}", f"边界 {name}", 1, douyin=standing, **facts)

    def branded(code: str, name: str, verdict: str, until: date | None, **facts: Any) -> DemoShop:
        return inside(
            code,
            f"{name} 旗舰店",
            shop_type=Shop.Type.FLAGSHIP,
            brand=f"边界{code[-1]}",
            paper_verdict=verdict,
            paper_until=until,
            **facts,
        )

    yield inside("DF-C1-BELOW", "体验分 3.49", experience=_scored("3.49"))
    yield inside("DF-C1-AT", "体验分 3.50", experience=_scored("3.50"))
    yield inside("DF-C1-MISSING", "体验分 缺失", experience=Walk(45000, blank=10_000))
    yield inside("DF-C1-ABSENT", "近三日无数据", absent=3)
    yield branded("DF-C2-LAST-DAY", "资质今日到期", Verdict.ACCEPTED, last_day)
    yield branded("DF-C2-EXPIRED", "资质昨日到期", Verdict.ACCEPTED, last_day - timedelta(days=1))
    yield branded("DF-C2-ENDLESS", "资质长期有效", Verdict.ACCEPTED, None)
    yield branded("DF-C2-REJECTED", "资质被驳回", Verdict.REJECTED, last_day + timedelta(days=90))
    yield branded("DF-C2-PENDING", "资质审核中", Verdict.PENDING, last_day + timedelta(days=90))
    yield branded("DF-C2-MISSING", "资质缺失", "", None)
    yield branded(
        "DF-C2-RENEWED",
        "资质已续期",
        Verdict.ACCEPTED,
        last_day + timedelta(days=90),
        paper_before=last_day - timedelta(days=5),
    )


def _wechat(last_day: date) -> Iterator[DemoShop]:
    opened_on = last_day - timedelta(days=300)

    def wechat(code: str, name: str, standing: Standing, **facts: Any) -> DemoShop:
        return DemoShop(f"{PREFIX}WS-{code}", f"边界 {name}", 1, wechat_shop=True, wechat=standing, **facts)

    def twice(code: str, name: str, **facts: Any) -> Iterator[DemoShop]:
        """The same shop twice: one that applies, one that is inside."""
        for rule, standing in (("A3", Standing(State.APPLIED)), ("C1", Standing(State.OPEN, 1, opened_on))):
            said = "申请" if rule == "A3" else "在营"
            yield wechat(f"{rule}-{code}", f"{name} {said}", standing, **facts)

    yield from twice("BELOW", "视频号评分 4.19", shop_score=_scored("4.19"))
    yield from twice("AT", "视频号评分 4.20", shop_score=_scored("4.20"))
    yield from twice("NONE-YET", "视频号评分 暂无", **NONE_YET)
    yield from twice("MISSING", "视频号评分 缺失", **MISSING)
    yield wechat("A2-UNSIGNED", "未签运费险", Standing(State.APPLIED), freight_insurance=False)
    yield wechat("LOCAL-LIFE", "本地生活", Standing(State.APPLIED), category=names.LOCAL_LIFE.name)
    inside = Standing(State.OPEN, 1, opened_on)
    yield wechat("O1", "商品观察期", inside)
    yield wechat("O2-AT", "观察期商品销售额 5,000.00", inside)
    yield wechat("O2-ABOVE", "观察期商品销售额 5,000.01", inside)


def boundary_products() -> Iterator[DemoProduct]:
    """One product for each case of the rules on products; they are all that their shops sell."""
    applied, observed = Listing.State.APPLIED, Listing.State.OBSERVED

    def sold(code: str, name: str, state: str, settled: int, paid: int | None, **facts: Any) -> DemoProduct:
        shop = f"{PREFIX}WS-{facts.pop('shop', 'O1')}"
        return DemoProduct(f"{PREFIX}WS-{code}", shop, f"边界 {name}", state, settled, paid, **facts)

    yield sold("O1-APPLIED-29", "申请 结算 29 单", applied, 29, 40)
    yield sold("O1-APPLIED-30", "申请 结算 30 单 品退率 0", applied, 30, 40)
    yield sold("O1-APPLIED-NO-RATE", "申请 结算 30 单 品退率 暂无", applied, 30, 0)
    yield sold("O1-OBSERVED-29", "观察期 结算 29 单", observed, 29, 40)
    yield sold("O1-OBSERVED-30", "观察期 结算 30 单 品退率 0", observed, 30, 40)
    yield sold("O1-OBSERVED-NO-RATE", "观察期 结算 30 单 品退率 暂无", observed, 30, 0)
    yield sold("O1-OBSERVED-MISSING", "观察期 结算 30 单 品退率 缺失", observed, 30, None)
    yield sold("O2-AT", "观察期 当日销售额 5,000.00", observed, 12, 12, sales="5000.00", shop="O2-AT")
    yield sold("O2-ABOVE-1", "观察期 当日销售额 3,000.00", observed, 8, 8, sales="3000.00", shop="O2-ABOVE")
    yield sold("O2-ABOVE-2", "观察期 当日销售额 2,000.01", observed, 4, 4, sales="2000.01", shop="O2-ABOVE")
