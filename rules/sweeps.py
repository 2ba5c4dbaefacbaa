"""The daily check: open, evaluate, file, withdraw, close."""

from __future__ import annotations

from datetime import date, datetime
from time import perf_counter
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Max, Min
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from rules import brakes, casework, counting, filing, promotions, replay, sql
from rules.criteria import Outcome
from rules.evaluation import Evaluation
from rules.models import Sweep
from rules.products import ProductEvaluation
from rules.withdrawing import withdraw_of_products, withdraw_recovered
from shops.errors import Refused
from shops.models import Alliance, ImportBatch, ShopMetrics
from shops.rights import require
from shops.sql import READING_METRICS, lease, leases, take_turns
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Status = Sweep.Status

# Why a check failed, where no exception says so; told in the reader's language.
INTERRUPTED = gettext_noop("interrupted")
KEPT_DYING = gettext_noop("its worker died again and again")
# A check that has killed this many workers will kill the next.
ATTEMPTS = 3

RELEASE = "rules.release_sweep"


class ReasonMissing(Refused):
    """A held check was released or dropped without saying why."""


def newest_day(today: date) -> date | None:
    """The newest day with metrics, not after `today`: the day that is checked."""
    return ShopMetrics.objects.filter(day__lte=today).aggregate(newest=Max("day"))["newest"]


def request(
    *, alliance: Alliance, by: User | None, at: datetime, day: date | None = None, release: str = ""
) -> Sweep:
    """Ask for a check of `day` (by default the newest). An unfinished one of that day is returned instead.

    `release`: why it is to file even where a brake trips, which only who may release a held one can say.
    Refused when no metrics have come in, for a day to come, and where no rules are in force on that day.
    """
    require(by, "rules.run_sweep")
    release = as_written(release)
    if release:
        require(by, RELEASE)
    was_named = day is not None
    today = localdate(at)
    day = day or newest_day(today)
    if day is None:
        raise Refused(_("No metrics have been imported yet: there is no day to check."))
    if day > today:
        raise Refused(_("%(day)s is still to come.") % {"day": date_format(day)})
    evaluation = Evaluation(alliance, day)
    evaluation.refuse_without_rules()
    with transaction.atomic():
        # Two people pressing the button at once get the same check.
        Alliance.objects.select_for_update(no_key=True).get(pk=alliance.pk)
        sweep = Sweep.objects.filter(alliance=alliance, day=day, status__in=Sweep.UNFINISHED).first()
        if sweep is not None and not (release and sweep.status == Status.WAITING):
            return sweep
        if sweep is None:
            sweep = Sweep(
                alliance=alliance,
                day=day,
                day_was_named=was_named,
                status=Status.WAITING,
                requested_at=at,
                requested_by=by,
            )
            _pin(sweep, evaluation, ProductEvaluation(alliance, day))
        if release:
            sweep.ruled_at, sweep.ruled_by, sweep.ruling = at, by, release
        sweep.save_by(by, release)
        return sweep


def is_checked(alliance: Alliance, day: date) -> bool:
    """Whether a check of that day has been done, held or dropped: then the timetable asks for no other.

    One that somebody ran before the day's first metrics came in has seen nothing (where the alliance has
    rules on products: before the first of products did), and one from before an
    import of the day was reversed has seen figures that are gone: neither counts; nor does a held or dropped
    one once more metrics of the day have come in.
    """
    checks = Sweep.objects.filter(alliance=alliance, day=day)
    kinds = [ImportBatch.Kind.METRICS]
    if ProductEvaluation(alliance, day).versions:
        kinds.append(ImportBatch.Kind.PRODUCT_METRICS)
    of_the_day = {"kind__in": kinds, "first_day__lte": day, "last_day__gte": day}
    applied = ImportBatch.objects.filter(**of_the_day, state=ImportBatch.State.APPLIED)
    came_in = applied.aggregate(last=Max("finished_at"))
    # Of each kind: products whose figures came in after the shops' were no data until then.
    first_of_kinds = applied.order_by().values("kind").annotate(first=Min("finished_at"))
    came_in["first"] = max((kind["first"] for kind in first_of_kinds), default=None)
    # When it was written, not when it was asked for: it may have waited while a check was still reading.
    reversals = ImportBatch.history.filter(**of_the_day, state=ImportBatch.State.REVERSED).aggregate(
        last=Max("history_date")
    )

    def since(moment: datetime | None) -> dict[str, datetime]:
        after = [known for known in (moment, reversals["last"]) if known is not None]
        return {"started_at__gte": max(after)} if after else {}

    done = checks.filter(status=Status.DONE, **since(came_in["first"]))
    stopped = checks.filter(status__in=[Status.HELD, Status.DROPPED], **since(came_in["last"]))
    return done.exists() or stopped.exists()


def abandoned() -> list[Sweep]:
    """Checks that still have to be carried out and that nobody is at: never started, or their worker died."""
    waiting = Sweep.objects.filter(status__in=Sweep.UNFINISHED)
    return list(waiting.exclude(pk__in=leases(sql.SWEEPING)).order_by("id"))


def run(sweep_id: int, *, at: datetime) -> Sweep:
    """Carry a requested check out. Safe to run twice: a finished one is returned as it is.

    The session's advisory lock tells that somebody is at it: it ends with the process, however that ends,
    and whoever comes next starts over, for nothing of an unfinished check is ever committed. One that has
    lost ATTEMPTS workers fails instead of taking the next.
    Refused while another process is at it.
    """
    with lease(sql.SWEEPING, sweep_id) as alone:
        if not alone:
            raise Refused(_("This check is already running."))
        sweep = Sweep.objects.select_related("alliance").get(pk=sweep_id)
        if sweep.status not in Sweep.UNFINISHED:
            return sweep
        # One that killed its worker could not count itself: each try has left its mark before it began.
        if sweep.history.filter(status=Status.RUNNING).count() >= ATTEMPTS:
            _finish(sweep, Status.FAILED, at, failure=KEPT_DYING)
            return sweep
        _start(sweep, at)
        try:
            with transaction.atomic():
                _carry_out(sweep, at)
        # Whatever it was, the record says so; and whoever called hears of it.
        except Exception as failure:
            sweep.refresh_from_db()
            _finish(sweep, Status.FAILED, at, failure=str(failure) or type(failure).__name__)
            raise
        return sweep


def release(sweep_id: int, *, reason: str, by: User | None, at: datetime) -> Sweep:
    """Have a held check evaluate its day anew and file; the reason stays on its record.

    Held again where by now a brake trips that had not, or by more than was seen.

    Refused unless it is held, without a reason, and where a newer check of that alliance and day exists.
    """
    let_go(sweep_id, reason=reason, by=by, at=at)
    return run(sweep_id, at=at)


@transaction.atomic
def let_go(sweep_id: int, *, reason: str, by: User | None, at: datetime) -> Sweep:
    """Release a held check for whoever carries checks out. Refused as `release` is."""
    sweep = _held(sweep_id, reason, by)
    sweep.status, sweep.finished_at = Status.WAITING, None
    _rule(sweep, reason, by, at)
    return sweep


@transaction.atomic
def drop(sweep_id: int, *, reason: str, by: User | None, at: datetime) -> Sweep:
    """Let a held check come to nothing; the reason stays on its record. Refused as `release` is."""
    sweep = _held(sweep_id, reason, by)
    sweep.status = Status.DROPPED
    _rule(sweep, reason, by, at)
    return sweep


def _held(sweep_id: int, reason: str, by: User | None) -> Sweep:
    require(by, RELEASE)
    if not as_written(reason):
        raise ReasonMissing(_("Releasing or dropping a check takes a reason."))
    alliance = Sweep.objects.values_list("alliance", flat=True).get(pk=sweep_id)
    # In the order in which a request for another check locks.
    Alliance.objects.select_for_update(no_key=True).get(pk=alliance)
    sweep = Sweep.objects.select_for_update(no_key=True).get(pk=sweep_id)
    if sweep.status != Status.HELD:
        raise Refused(_("This check is not held: it is %(status)s.") % {"status": sweep.get_status_display()})
    if Sweep.objects.filter(alliance=alliance, day=sweep.day, pk__gt=sweep.pk).exists():
        raise Refused(_("A newer check of this day exists: look at that one."))
    return sweep


def _rule(sweep: Sweep, reason: str, by: User | None, at: datetime) -> None:
    sweep.ruled_at, sweep.ruled_by, sweep.ruling = at, by, as_written(reason)
    sweep.save_by(by, sweep.ruling)


def _pin(sweep: Sweep, evaluation: Evaluation, products: ProductEvaluation) -> None:
    sweep.admission, sweep.clearance = evaluation.admission, evaluation.clearance
    sweep.warning = evaluation.warning
    sweep.product_admission, sweep.product_clearance = products.admission, products.clearance
    sweep.observation = products.observation


def _start(sweep: Sweep, at: datetime) -> None:
    """Mark it running. One that died while running gives way; one that lives refuses us."""
    running = Sweep.objects.select_for_update(no_key=True).filter(
        alliance=sweep.alliance, status=Status.RUNNING
    )
    try:
        with transaction.atomic():
            # Locked before it's judged: one that is just finishing must not be called interrupted.
            for other in running.exclude(pk=sweep.pk):
                with lease(sql.SWEEPING, other.pk) as died:
                    if not died:
                        raise Refused(
                            _("Another check of %(alliance)s is running.") % {"alliance": sweep.alliance}
                        )
                    _finish(other, Status.FAILED, at, failure=INTERRUPTED)
            sweep.status = Status.RUNNING
            sweep.started_at = at
            sweep.save_by(None)
    except IntegrityError:
        raise Refused(_("Another check of %(alliance)s is running.") % {"alliance": sweep.alliance}) from None


def _finish(sweep: Sweep, status: Sweep.Status, at: datetime, failure: str = "") -> None:
    sweep.status = status
    sweep.finished_at = at
    sweep.failure = failure
    sweep.save_by(None)


def _carry_out(sweep: Sweep, at: datetime) -> None:
    began = perf_counter()
    # An import is there or it is not, from the brakes' count to the filing, and so is one that is taken back.
    take_turns(*READING_METRICS, shared=True)
    evaluation = Evaluation(sweep.alliance, sweep.day)
    products = ProductEvaluation(sweep.alliance, sweep.day)
    # Another version may have come into force since the check was asked for: this one is what it goes by.
    _pin(sweep, evaluation, products)
    evaluation.prepare(*products.criteria)
    with sql.over_everybody():
        inside, candidates = counting.inside(evaluation), counting.candidates(evaluation)
        of_products = counting.products(products)
    counting.tell(sweep, candidates, [inside, *of_products.values()])
    tripped = brakes.tripped(
        evaluation,
        inside=inside.checked,
        measured=inside.measured,
        to_clear=inside.verdicts[Outcome.FAILS],
        on=localdate(at),
        day_was_named=sweep.day_was_named,
    )
    tripped += brakes.tripped_by_products(products, of_products)
    # A release covers what was seen when it was given; one given beforehand covers everything.
    released = bool(sweep.ruling) and (
        not sweep.brakes or all(brake.was_seen(sweep.brakes) for brake in tripped)
    )
    if not released or not (tripped or sweep.brakes):
        # It was for something else; or there is nothing to release.
        sweep.ruled_at, sweep.ruled_by, sweep.ruling = None, None, ""
    # Of one that was held before, what held it stays on record.
    sweep.brakes = [brake.as_record() for brake in tripped] or sweep.brakes
    if tripped and not released:
        sweep.seconds = round(perf_counter() - began, 3)
        _finish(sweep, Status.HELD, at)
        return
    filing.gather_due(evaluation)
    filing.file(sweep, evaluation, at=at)
    filing.gather_due_products(products)
    filing.file_products(sweep, products, at=at)
    # Last, for decisions lock enrollments before proposals, and filing looks at the former.
    sweep.withdrawn += withdraw_recovered(evaluation, at) + withdraw_of_products(products, at)
    # What rests on the record and not on the day's metrics is no part of the check's own count.
    casework.file_from_facts(at=at)
    promotions.open_what_waited(sweep.alliance, sweep.day, at=at)
    replay.keep(sweep, evaluation, products)
    sweep.seconds = round(perf_counter() - began, 3)
    _finish(sweep, Status.DONE, at)
