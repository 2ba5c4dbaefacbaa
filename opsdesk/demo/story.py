"""What happened on the desk since: the daily checks of the last days, decisions and appeals."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from django.contrib.auth.models import Group, User
from django.db.models import Q, QuerySet

from opsdesk import execution, review
from opsdesk.demo.boundaries import PREFIX
from opsdesk.demo.hearings import tell_of_hearings
from opsdesk.demo.ledger import tell_of_money
from opsdesk.demo.moments import Past
from opsdesk.models import Execution
from rules import exemptions, sweeps
from rules.models import Proposal
from shops.models import Alliance, Enrollment, Qualification

# Checked days, the last one included: on a large desk each check takes its time.
CHECKED_DAYS, CHECKED_DAYS_OF_MANY, MANY = 4, 2, 5_000
# At most so many are decided on each day but the last.
DECIDED_A_DAY = 16
DOUYIN = "douyin-featured"
REASONS_TO_REJECT = {
    "DF-C1": ("data_late_or_wrong", "recovered", "platform_incident", "thin_evidence"),
    "DF-C2": ("renewed", "thin_evidence"),
    "WS-C1": ("data_late_or_wrong", "recovered", "platform_incident"),
    # An admission: no rule failed.
    "": ("data_late_or_wrong", "thin_evidence", "duplicate"),
}


def tell(past: Past, shops: int) -> None:
    """Check each of the last days and decide some of what was filed; what the last check files stays open."""
    operator, supervisor = _person("operator", past), _person("supervisor", past)
    officer = _person("appeals_officer", past)
    random = Random(f"opsdesk story {shops}")
    checked = past.metric_days[-(CHECKED_DAYS_OF_MANY if shops > MANY else CHECKED_DAYS) :]
    for day in checked:
        for alliance in Alliance.objects.order_by("code"):
            at = past.after(day, "00:05")
            sweeps.run(sweeps.request(alliance=alliance, by=None, at=at, day=day).pk, at=at)
        if day == past.last_day:
            break
        morning = past.after(day, "09:30")
        _decide(random, operator, supervisor, morning)
        _execute(random, operator, morning)
        if day == past.last_day - timedelta(days=1):
            _exempt_one(supervisor, morning + timedelta(hours=4))
            _judge_one(operator, morning + timedelta(hours=5))
            tell_of_hearings(officer, supervisor, morning + timedelta(hours=1))
    tell_of_money(_person("finance", past), past)


def _person(role: str, past: Past) -> User:
    """A member of staff with that role, who cannot sign in before somebody sets a password."""
    person, created = User.objects.get_or_create(
        username=role.replace("_", "-"), defaults={"is_staff": True, "date_joined": past.began}
    )
    if created:
        person.set_unusable_password()
        person.save()
        person.groups.add(Group.objects.get(name=role))
    return person


def _open_proposals() -> QuerySet[Proposal]:
    """Open proposals, the boundary shops' excepted: those stay for everyone to look at. So do reported cases:
    what a penalty is to do for them, such as how much it deducts, somebody has to say.
    """
    return (
        Proposal.objects.filter(status=Proposal.Status.OPEN)
        .exclude(kind=Proposal.Kind.PENALISE)
        .exclude(shop__code__startswith=PREFIX)
        .select_related("shop", "alliance")
        .order_by("alliance", "kind", "shop__code")
    )


def _decide(random: Random, operator: User, supervisor: User, morning: datetime) -> None:
    # Admissions would crowd clearances out.
    clearing = Q(kind=Proposal.Kind.CLEAR)
    chosen = []
    for some in (clearing, ~clearing):
        waiting = list(_open_proposals().filter(some).values_list("pk", flat=True))
        chosen += random.sample(waiting, min(DECIDED_A_DAY // 2, len(waiting) // 2))
    for number, pk in enumerate(chosen):
        proposal = Proposal.objects.select_related("shop").get(pk=pk)
        if proposal.status != Proposal.Status.OPEN:
            # What was decided before it has settled it as well.
            continue
        by = supervisor if number % 6 == 5 else operator
        at = morning + timedelta(minutes=3 * number)
        if number % 4 == 3:
            reason = random.choice(REASONS_TO_REJECT.get(proposal.lead_rule, REASONS_TO_REJECT[""]))
            review.reject(proposal.pk, by=by, reason=reason, at=at)
        else:
            review.accept(proposal.pk, by=by, reason=_reason_to_accept(proposal), at=at)


def _reason_to_accept(proposal: Proposal) -> str:
    if proposal.kind in (Proposal.Kind.ADMIT, Proposal.Kind.RESUME):
        return "qualifies"
    if proposal.kind == Proposal.Kind.OBSERVE:
        return "little_sold"
    if proposal.lead_rule != "DF-C2":
        return "below_bar"
    paper = (
        Qualification.objects.filter(shop=proposal.shop, kind=Qualification.Kind.BRAND)
        .order_by("-received_at")
        .first()
    )
    if paper is None:
        return "papers_missing"
    return "papers_rejected" if paper.verdict == Qualification.Verdict.REJECTED else "papers_expired"


def _execute(random: Random, operator: User, morning: datetime) -> None:
    """Yesterday's decisions on the platform: nearly all done, one that it refused."""
    yesterday = (morning - timedelta(days=1)).date()
    waiting = Execution.objects.filter(state=Execution.State.TO_DO, asked_at__date=yesterday)
    for number, asked in enumerate(waiting.order_by("pk")):
        if number == 0:
            execution.record(
                asked.pk,
                outcome=Execution.State.FAILED,
                by=operator,
                note="平台接口返回:店铺信息变更审核中,请稍后重试",
            )
        else:
            execution.record(
                asked.pk,
                outcome=Execution.State.DONE,
                by=operator,
                on=morning.date(),
                reference=f"TASK-{morning:%Y%m%d}-{random.randrange(1000, 10_000)}",
            )


def _exempt_one(supervisor: User, at: datetime) -> None:
    """A supervisor sees that a shop's score suffered from no fault of its own: no clearance for two weeks."""
    proposal = _open_proposals().filter(lead_rule="DF-C1").first()
    if proposal is not None and proposal.alliance is not None:
        review.reject(proposal.pk, by=supervisor, reason="exempted", at=at)
        exemptions.grant(
            shop=proposal.shop,
            alliance=proposal.alliance,
            rule_code=proposal.lead_rule,
            until=at.date() + timedelta(days=14),
            reason="仓库所在地区受暴雨影响,物流延误,两周内不因体验分清退",
            by=supervisor,
            at=at,
        )


def _judge_one(operator: User, at: datetime) -> None:
    """DF-C3: what no metric shows, filed by hand; it waits for a decision."""
    enrollment = (
        Enrollment.objects.filter(alliance__code=DOUYIN, state=Enrollment.State.OPEN)
        .exclude(shop__code__startswith=PREFIX)
        .exclude(shop__proposals__status=Proposal.Status.OPEN)
        .select_related("shop", "alliance")
        .order_by("shop__code")
        .first()
    )
    if enrollment is not None:
        review.file_by_hand(
            shop=enrollment.shop,
            alliance=enrollment.alliance,
            statement="多位达人反映寄样与售卖商品不一致,沟通后未整改",
            by=operator,
            at=at,
        )
