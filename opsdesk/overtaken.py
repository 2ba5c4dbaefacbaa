"""What has become of a decision since its notice was written, which says what was decided on its day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from opsdesk.caseload import effects_of
from opsdesk.deadlines import said
from opsdesk.models import Appeal, Notice
from shops.models import Penalty

Status = Penalty.Status


def overtaken(notice: Notice, at: datetime, language: str) -> list[str]:
    """A line, in that language, for each thing that is no longer as the notice says; empty where all is."""
    with override(language):
        return list(_lines(notice.case, _told_until(notice), at))


def needs_no_delivery(notice: Notice) -> bool:
    """Whether what it tells was overturned before the shop got it."""
    overturned = notice.appeal is None and notice.case.status == Status.OVERTURNED
    return overturned and notice.delivered_at is None


def to_be_delivered() -> Q:
    """Notices that the shop has not got yet, and is still to get."""
    return Q(delivered_at=None) & ~Q(penalty__isnull=False, penalty__status=Status.OVERTURNED)


def _told_until(notice: Notice) -> datetime:
    """What was done by then the notice tells: that of a ruling, what the ruling did."""
    return notice.written_at if notice.appeal is not None else datetime.min.replace(tzinfo=UTC)


def _lines(penalty: Penalty, told_until: datetime, at: datetime) -> Iterator[str]:
    told = {"case": penalty.case_number, "moment": said(penalty.ended_at) if penalty.ended_at else "–"}
    ended = penalty.ended_at is not None and penalty.ended_at > told_until
    if penalty.status == Status.OVERTURNED and not ended:
        return
    if penalty.status == Status.OVERTURNED:
        yield _("Case %(case)s was overturned on %(moment)s: this decision no longer stands.") % told
        return
    if penalty.status == Status.LIFTED and ended:
        yield _("Case %(case)s was lifted on %(moment)s.") % told
    if penalty.stayed_at is not None and penalty.stayed_at > told_until:
        yield _("Case %(case)s is stayed since %(moment)s.") % {**told, "moment": said(penalty.stayed_at)}
    lessened = _lessened(penalty)
    for effect in effects_of(penalty, at):
        measure = effect.measure
        told["measure"] = effect.told
        if measure.undone_at is not None and measure.undone_at > told_until:
            told["moment"] = said(measure.undone_at)
            yield _("Case %(case)s, taken back on %(moment)s: %(measure)s") % told
        elif measure.undone_at is None and lessened.get(measure.pk, told_until) > told_until:
            told["moment"] = said(lessened[measure.pk])
            yield _("Case %(case)s, lessened on %(moment)s; what it is now: %(measure)s") % told


def _lessened(penalty: Penalty) -> dict[int, datetime]:
    """When each of its measures was last lessened, by their keys: nothing but a ruling does."""
    ruled = Appeal.objects.filter(penalty=penalty, state=Appeal.State.GRANTED_IN_PART).order_by("decided_at")
    return {
        entry["measure"]: decided_at
        for decided_at, lessened in ruled.values_list("decided_at", "lessened")
        for entry in lessened
        if decided_at is not None
    }
