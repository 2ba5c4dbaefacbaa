"""Appeals of the demonstration: what shops said of the clearances, and how far each hearing has come."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from PIL import Image, ImageDraw

from opsdesk import appeals
from opsdesk.appeals import Offered
from opsdesk.demo.boundaries import PREFIX
from opsdesk.models import Appeal, Channel
from rules import exemptions
from rules.models import Proposal
from shops.models import Penalty

# What these shops were cleared for: a score below the bar.
RULES = ("DF-C1", "WS-C1")
# What a parcel's journey looks like where a storm has held it up: hours at each stop.
ON_TIME, HELD_UP = (6, 9, 5, 8), (6, 58, 7, 9)


def tell_of_hearings(officer: User, supervisor: User, at: datetime) -> None:
    """Appeals as people meet them on a morning, as far as there are clearances to appeal against."""
    # Of what the operator decided: a supervisor who decided it himself could stay nothing of it.
    proposals = (
        Proposal.objects.filter(lead_rule__in=RULES, penalty__status=Penalty.Status.IMPOSED)
        .exclude(penalty__imposed_by=supervisor)
        .exclude(shop__code__startswith=PREFIX)
        .select_related("penalty__shop", "penalty__alliance")
        .order_by("pk")
    )
    penalties = [proposal.penalty for proposal in proposals if proposal.penalty is not None]
    told: tuple[Callable[[Penalty, User, User, datetime], None], ...] = (
        _granted,
        _waiting,
        _just_filed,
        _denied,
        _answered,
        _stayed,
    )
    for number, (penalty, tell) in enumerate(zip(penalties, told, strict=False)):
        tell(penalty, officer, supervisor, at + timedelta(minutes=7 * number))


def _filed(
    penalty: Penalty,
    officer: User,
    at: datetime,
    statement: str,
    *,
    channel: str,
    hours: tuple[int, ...] = (),
) -> Appeal:
    return appeals.file(
        penalty=penalty,
        channel=channel,
        statement=statement,
        evidence=[Offered("物流轨迹.png", _journey(hours))] if hours else (),
        by=officer,
        at=at,
    )


def _journey(hours: tuple[int, ...]) -> io.BytesIO:
    """A picture as a shop would take it of a parcel's stops, each as long as it took."""
    picture = Image.new("RGB", (720, 60 + 70 * len(hours)), "white")
    draw = ImageDraw.Draw(picture)
    for number, length in enumerate(hours):
        top = 40 + 70 * number
        draw.rectangle((40, top, 40 + 10 * length, top + 34), fill="#c0392b" if length > 24 else "#2e7d32")
        draw.text((48 + 10 * length, top + 10), f"{length} h", fill="black")
    content = io.BytesIO()
    picture.save(content, "PNG")
    content.seek(0)
    return content


def _granted(penalty: Penalty, officer: User, supervisor: User, at: datetime) -> None:
    """The shop was held up by weather; a supervisor sees to it that the next check leaves it in."""
    appeal = _filed(
        penalty,
        officer,
        at,
        "仓库所在地区暴雨停运三天,评分因此下降,附物流轨迹",
        channel=Channel.TICKET,
        hours=HELD_UP,
    )
    appeals.take(appeal.pk, by=officer, at=at + timedelta(minutes=20))
    appeals.grant(
        appeal.pk,
        reason="物流轨迹与当地停运公告一致,延误不由商家造成",
        by=officer,
        at=at + timedelta(hours=5),
    )
    assert penalty.alliance is not None
    exemptions.grant(
        shop=penalty.shop,
        alliance=penalty.alliance,
        rule_code=Proposal.objects.get(penalty=penalty).lead_rule,
        until=at.date() + timedelta(days=14),
        reason="申诉成立:暴雨停运,两周内不因评分清退",
        by=supervisor,
        at=at + timedelta(hours=6),
    )


def _waiting(penalty: Penalty, officer: User, supervisor: User, at: datetime) -> None:
    appeal = _filed(penalty, officer, at, "评分被恶意差评拉低", channel=Channel.PHONE)
    appeals.take(appeal.pk, by=officer, at=at + timedelta(minutes=15))
    appeals.ask(
        appeal.pk,
        items="1. 被认为恶意的订单编号\n2. 与买家的聊天记录",
        by=officer,
        at=at + timedelta(minutes=40),
    )


def _answered(penalty: Penalty, officer: User, supervisor: User, at: datetime) -> None:
    appeal = _filed(penalty, officer, at, "买家差评已由平台核实为恶意,请复核评分", channel=Channel.MAIL)
    appeals.take(appeal.pk, by=officer, at=at + timedelta(minutes=15))
    appeals.ask(appeal.pk, items="平台核实结果的截图", by=officer, at=at + timedelta(minutes=30))
    appeals.answer(
        appeal.pk,
        text="平台工单已核实,编号见工单记录",
        by=officer,
        at=at + timedelta(hours=4, minutes=10),
    )


def _denied(penalty: Penalty, officer: User, supervisor: User, at: datetime) -> None:
    """Its second appeal may still come."""
    appeal = _filed(penalty, officer, at, "物流延误与我方无关,附轨迹", channel=Channel.TICKET, hours=ON_TIME)
    appeals.take(appeal.pk, by=officer, at=at + timedelta(minutes=25))
    appeals.deny(
        appeal.pk,
        reason="所附轨迹没有延误,考核日的评分低于清退线",
        by=officer,
        at=at + timedelta(hours=3),
    )


def _just_filed(penalty: Penalty, officer: User, supervisor: User, at: datetime) -> None:
    _filed(
        penalty,
        officer,
        at,
        "考核当日平台数据异常,次日评分已经恢复",
        channel=Channel.TICKET,
        hours=HELD_UP,
    )


def _stayed(penalty: Penalty, officer: User, supervisor: User, at: datetime) -> None:
    """A supervisor lets the penalty bar nobody while it is heard."""
    appeal = _filed(penalty, officer, at, "大促期间清退造成重大损失,请求暂缓", channel=Channel.PHONE)
    appeals.stay(
        appeal.pk,
        reason="数据异常的说明正在核实,暂缓至裁定",
        by=supervisor,
        at=at + timedelta(minutes=50),
    )
