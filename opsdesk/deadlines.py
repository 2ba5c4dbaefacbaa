"""Until when each step of an appeal may be taken (R16). Everything is in Asia/Shanghai, every end is in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import models
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from opsdesk.models import Appeal, AppealTerms, Notice
from shops.calendar import SHANGHAI, day_of, deadline, midnight
from shops.models import Penalty


def in_time(moment: datetime, until: datetime) -> bool:
    """Whether it comes no later than the second `until`."""
    return moment.replace(microsecond=0) <= until


def still_waits(appeal: Appeal, at: datetime) -> bool:
    """Whether the shop may still answer what it was asked: nobody rules before."""
    return appeal.state == Appeal.State.WAITING and in_time(at, appeal.due_at)


def as_told(told: datetime | date, earliest: datetime) -> datetime:
    """What somebody means who tells a moment to the minute, or a day alone: its first second, but none before
    `earliest` where that lies in the same minute, or on the same day. Nobody loses time by telling little.
    """
    earliest = earliest.replace(microsecond=0)
    if not isinstance(told, datetime):
        return earliest if told == day_of(earliest) else midnight(told)
    return earliest if told == earliest.replace(second=0) else told


def end_of(day: date) -> datetime:
    """The day's last second."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=SHANGHAI)


def answer_due(at: datetime, on: date | None = None) -> datetime:
    """Until when the shop answers what it is asked now: to the end of `on`, or as the terms say."""
    terms = AppealTerms.current()
    return end_of(on or terms.working_days_after(localdate(at, SHANGHAI), terms.answer_days))


def ruling_due(at: datetime) -> datetime:
    """Until when the desk rules on what has reached it at that moment."""
    terms = AppealTerms.current()
    return end_of(terms.working_days_after(localdate(at, SHANGHAI), terms.ruling_days))


class Since(models.TextChoices):
    """What a window counts from."""

    DELIVERY = "delivery", _("when the notice was delivered")
    DECISION = "decision", _("when it was decided, as no delivery is recorded")
    NOTICE = "notice", _("when the notice was written, as no delivery is recorded")
    RULING = "ruling", _("when the first appeal was ruled on")


@dataclass(frozen=True)
class Window:
    """From when and until when an appeal of this level may be filed; both ends are in."""

    level: int
    since: Since
    begins: datetime
    until: datetime

    def __str__(self) -> str:
        return _t("until %(until)s, counted from %(begins)s, %(since)s") % {
            "until": said(self.until),
            "since": self.since.label,
            "begins": said(self.begins),
        }


def said(moment: datetime) -> str:
    """A moment to the second, for people: deadlines are kept to it."""
    moment = localtime(moment, SHANGHAI)
    return f"{date_format(moment, 'DATE_FORMAT')} {moment:%H:%M:%S}"


def next_level(penalty: Penalty) -> int | None:
    """The level on which the shop could appeal next; None where none is left.

    One that was withdrawn uses up nothing.
    """
    ruled = Appeal.objects.filter(penalty=penalty, state__in=Appeal.RULED).count()
    return ruled + 1 if ruled < Appeal.LEVELS else None


def contestable() -> Q:
    """Penalties against which the catalogue left the shop an appeal as they were imposed. It always does
    against decisions on other grounds.
    """
    return Q(violation=None) | Penalty.imposed_as("appealable")


def told_at(penalty: Penalty, written_at: datetime) -> datetime:
    """From when the shop could know that it may appeal: from the decision, but against what the platform has
    imposed, and a file has brought, from the notice.
    """
    assert penalty.imposed_at is not None
    return max(penalty.imposed_at, written_at) if penalty.is_the_platforms else penalty.imposed_at


def window_of(penalty: Penalty, level: int) -> Window:
    """When an appeal of that level against an imposed penalty is in time: as its notice promised, or the
    ruling on the first; where neither says, as the terms are now.
    """
    first = Appeal.objects.get(penalty=penalty, level=1, state__in=Appeal.RULED) if level > 1 else None
    return _window(penalty, Notice.objects.filter(penalty=penalty).first(), first, AppealTerms.current())


def next_windows(penalties: Iterable[Penalty]) -> dict[int, Window]:
    """The same of many on their next level, by their keys; without those that have none left."""
    of = {penalty.pk: penalty for penalty in penalties}
    told = Notice.objects.filter(penalty__in=of).defer("text_zh", "text_en")
    notices = {one.penalty_id: one for one in told}
    ruled: dict[int, list[Appeal]] = {}
    for appeal in Appeal.objects.filter(penalty__in=of, state__in=Appeal.RULED).order_by("level"):
        ruled.setdefault(appeal.penalty_id, []).append(appeal)
    terms = AppealTerms.current()
    return {
        pk: _window(penalty, notices.get(pk), next(iter(ruled.get(pk, ())), None), terms)
        for pk, penalty in of.items()
        if len(ruled.get(pk, ())) < Appeal.LEVELS
    }


def second_until(penalty: Penalty, ruled_at: datetime) -> datetime:
    """Until when the shop may go to the second level after a ruling of that moment on the first."""
    return _second_until(Notice.objects.filter(penalty=penalty).first(), AppealTerms.current(), ruled_at)


def _second_until(notice: Notice | None, terms: AppealTerms, ruled_at: datetime) -> datetime:
    return deadline(ruled_at, (notice and notice.second_days) or terms.second_days)


def _window(penalty: Penalty, notice: Notice | None, first: Appeal | None, terms: AppealTerms) -> Window:
    """`first`: the appeal of the first level, once it was ruled on."""
    if first is not None:
        assert first.decided_at is not None
        until = first.next_until or _second_until(notice, terms, first.decided_at)
        return Window(first.level + 1, Since.RULING, first.decided_at, until)
    if notice is not None and notice.delivered_at is not None:
        begins, since = notice.delivered_at, Since.DELIVERY
    else:
        assert penalty.imposed_at is not None
        begins, since = penalty.imposed_at, Since.DECISION
        if notice is not None and (later := told_at(penalty, notice.written_at)) > begins:
            begins, since = later, Since.NOTICE
    return Window(1, since, begins, deadline(begins, (notice and notice.first_days) or terms.first_days))
