"""What taking a penalty back would change, in words: found by calling the verb, and rolling it back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from psycopg.errors import LockNotAvailable

from opsdesk import remainders, voiding
from opsdesk.deadlines import said
from opsdesk.models import Execution
from rules.models import Proposal
from shops import accounts, bars, controllers, listings, money, points, sql, standing, topups
from shops import measures as effects
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Listing, Measure, Penalty, Shop

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# So long it waits for what others hold: it only tells.
PATIENCE = "3s"
# What the verb is given as a reason. No record keeps it.
REASON = "foreseen"
LOOK_AT_DEPOSITS = "shops.view_depositentry"

_EVER, _CONTROLLER = "ever", "controller"


@dataclass(frozen=True)
class Foreseen:
    """What would change, line by line by what it is; and what would not be as before all the same."""

    changes: list[tuple[str, list[str]]]
    not_restored: list[str]

    @property
    def told(self) -> list[tuple[str, list[str]]]:
        """All of it, or that it is nothing; what is not as before comes last."""
        found = list(self.changes)
        if self.not_restored:
            found.append((_("Would not be as before"), self.not_restored))
        return found or [(_("Changes"), [_("Nothing would change.")])]


def foresee(
    penalty: Penalty, do: Callable[[Penalty], Iterable[dict[str, Any]]], *, by: User | None, at: datetime
) -> Foreseen:
    """What `do` would change of the penalty, its shop and the others that it concerns; how much is on their
    deposits is told to those alone who may look at them.

    `do` calls the verb on the penalty, read afresh, and returns what that doesn't restore (`remainders`).
    Refused where the verb is, and while somebody changes the same for longer than PATIENCE. Inside a
    transaction: what was looked at is locked until that ends, so that it holds.
    """
    try:
        with transaction.atomic():
            sql.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            same = Penalty.objects.select_related("shop", "alliance").get(pk=penalty.pk)
            _hold(same)
            with transaction.atomic():
                found = _done(same, do, at, with_deposits=by is None or by.has_perm(LOOK_AT_DEPOSITS))
                transaction.set_rollback(True)
            sql.execute("SET LOCAL lock_timeout TO DEFAULT")
            return found
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise Refused(_("What it would change is being changed just now: look again in a moment.")) from error


def _hold(penalty: Penalty) -> None:
    """All that the verb may change, until the transaction ends."""
    voiding.lock(penalty)
    voiding.hold_open_proposals(penalty)
    there = Execution.objects.select_for_update(no_key=True, of=("self",))
    list(there.filter(shop__in=voiding.concerned(penalty)).order_by("pk").values_list("pk"))


def _done(
    penalty: Penalty,
    do: Callable[[Penalty], Iterable[dict[str, Any]]],
    at: datetime,
    *,
    with_deposits: bool,
) -> Foreseen:
    """In words, for when it is not so any more."""
    shops = {shop.pk: shop for shop in Shop.objects.filter(pk__in=voiding.concerned(penalty))}
    own, before = _measures(penalty), _State.of(shops, at)
    not_restored = remainders.told(do(penalty))
    after = _State.of(shops, at)
    found = [
        *_of_measures(own, _measures(penalty)),
        *(_of_deposits(shops, before, after) if with_deposits else ()),
        *_of_shops(shops, before, after),
        (_("Penalties"), list(_penalties(before, after))),
        (_("Proposals withdrawn"), _proposals(before.waiting - after.waiting)),
        (_("Proposals filed"), _proposals(after.waiting - before.waiting)),
        (_("On the platform"), list(_executions(before, after))),
    ]
    return Foreseen([(label, lines) for label, lines in found if lines], not_restored)


@dataclass(frozen=True)
class _State:
    """Of some shops, what may change as a penalty falls; amounts in fen, all by keys."""

    status: dict[int, str]
    kept_out: dict[tuple[int, str | int], bool]
    deposit: dict[int, int]
    owed: dict[int, int]
    points: dict[tuple[int, int | None], int]
    enrollments: dict[int, tuple[str, int]]
    products: dict[int, str]
    penalties: dict[int, tuple[str, datetime | None, bool]]
    waiting: set[int]
    on_the_platform: dict[int, tuple[str, str | None]]

    @classmethod
    def of(cls, shops: Mapping[int, Shop], at: datetime) -> _State:
        statuses = standing.with_standing(Shop.objects.filter(pk__in=shops), at)
        inside = Enrollment.objects.filter(shop__in=shops).values_list("pk", "state", "openings_used")
        stopped = Measure.objects.filter(kind=Measure.Kind.STOP, penalty__shop__in=shops).values("listing")
        products = listings.with_standing(Listing.objects.filter(pk__in=stopped))
        penalties = Penalty.objects.filter(shop__in=shops).values_list("pk", "status", "ends_at", "stayed_at")
        waiting = Proposal.objects.filter(shop__in=shops, status__in=Proposal.UNDECIDED)
        there = Execution.objects.filter(shop__in=shops)
        turns = dict.fromkeys(there.to_pause().values_list("pk", flat=True), Execution.Turn.PAUSE)
        turns |= dict.fromkeys(there.to_go_on().values_list("pk", flat=True), Execution.Turn.GO_ON)
        return cls(
            status=dict(statuses.values_list("pk", "standing")),
            kept_out=dict.fromkeys(_kept_out(shops), True),
            deposit=accounts.balances_of(shops),
            owed={key: sum(owed) for key, owed in topups.demanded_of(list(shops.values())).items()},
            points=points.standing_of(shops, at),
            enrollments={key: (state, used) for key, state, used in inside},
            products=dict(products.values_list("pk", "standing")),
            penalties={key: (status, ends, stayed is not None) for key, status, ends, stayed in penalties},
            waiting=set(waiting.values_list("pk", flat=True)),
            on_the_platform={key: (state, turns.get(key)) for key, state in there.values_list("pk", "state")},
        )


def _kept_out(shops: Mapping[int, Shop]) -> Iterator[tuple[int, str | int]]:
    """Which of the shops are kept out, of which alliance (by its key) or of every one, and by what."""
    kinds: list[tuple[str | int, Any]] = [
        (_EVER, bars.barred_for_ever()),
        (_CONTROLLER, controllers.barred_shops()),
        *((alliance.pk, bars.barred_for_now(alliance)) for alliance in Alliance.objects.all()),
    ]
    for where, barred in kinds:
        for key in barred.filter(pk__in=shops).values_list("pk", flat=True):
            yield key, where


def _measures(penalty: Penalty) -> dict[int, str]:
    """What the penalty does, each measure in words that is not taken back."""
    related = ("alliance", "opening__enrollment__alliance", "listing__product", "listing__alliance")
    standing_ones = penalty.measures.filter(applied_at__isnull=False, undone_at=None)
    found = standing_ones.select_related("penalty", *related).prefetch_related("deposit_entries", "top_ups")
    return {measure.pk: effects.describe(measure) for measure in found.order_by("pk")}


def _of_measures(before: Mapping[int, str], after: Mapping[int, str]) -> Iterator[tuple[str, list[str]]]:
    yield _("Taken back"), [told for key, told in before.items() if key not in after]
    still = [(told, after[key]) for key, told in before.items() if key in after]
    yield _("Lessened"), [f"{was} → {now}" for was, now in still if was != now]


def _of_deposits(shops: Mapping[int, Shop], before: _State, after: _State) -> Iterator[tuple[str, list[str]]]:
    for label, was, now in (
        (_("Deposit"), before.deposit, after.deposit),
        (_("Owed"), before.owed, after.owed),
    ):
        changed = _changed(was, now, 0)
        yield label, [_moved(shops[key], map(money.told, pair)) for key, pair in changed]


def _of_shops(shops: Mapping[int, Shop], before: _State, after: _State) -> Iterator[tuple[str, list[str]]]:
    alliances = Alliance.objects.in_bulk()
    yield (
        pgettext("penalty", "Points"),
        [
            _moved(_at(shops[shop], alliances[where] if where is not None else _("the platform")), pair)
            for (shop, where), pair in _changed(before.points, after.points, 0)
        ],
    )
    yield (
        pgettext("shop", "Standing"),
        [
            _moved(shops[key], (Shop.Status(one).label for one in pair))
            for key, pair in _changed(before.status, after.status)
        ],
    )
    yield _("Alliances"), list(_enrollments(before, after))
    places = {
        _EVER: _("every alliance, for ever (CL-1)"),
        _CONTROLLER: _("every alliance, for a case of another shop of the controller (R6)"),
        **{key: _("%(alliance)s (R5)") % {"alliance": alliance} for key, alliance in alliances.items()},
    }
    moved = [(key, now) for key, (_was, now) in _changed(before.kept_out, after.kept_out, False)]
    for label, wanted in ((_("Kept out no longer"), False), (_("Kept out from now on"), True)):
        yield label, [_at(shops[shop], places[where]) for (shop, where), now in moved if now == wanted]
    yield _("Products"), list(_products(before, after))


def _changed(
    before: Mapping[Any, Any], after: Mapping[Any, Any], none: Any = None
) -> list[tuple[Any, tuple[Any, Any]]]:
    """What is another than before, in order. `none`: what that is of which nothing is there; by default only
    what there was before is looked at, as others may bring more meanwhile.
    """
    keys = before if none is None else {**before, **after}
    pairs = [(key, (before.get(key, none), after.get(key, none))) for key in keys]
    return [(key, (was, now)) for key, (was, now) in pairs if was != now]


def _enrollments(before: _State, after: _State) -> Iterator[str]:
    changed = _changed(before.enrollments, after.enrollments)
    found = Enrollment.objects.select_related("shop", "alliance").in_bulk([key for key, _pair in changed])
    for key, pair in changed:
        yield _moved(
            found[key],
            (
                _("%(state)s, opening %(number)s") % {"state": Enrollment.State(state).label, "number": used}
                for state, used in pair
            ),
        )


def _products(before: _State, after: _State) -> Iterator[str]:
    """Also those that stay as they are all the same, as something else stops them."""
    found = Listing.objects.select_related("product", "alliance").in_bulk(list(before.products))
    for key, pair in _changed(before.products, after.products):
        yield _moved(found[key], (listings.Standing(one).label for one in pair))


def _penalties(before: _State, after: _State) -> Iterator[str]:
    changed = _changed(before.penalties, after.penalties)
    found = Penalty.objects.select_related("shop").in_bulk([key for key, _pair in changed])
    for key, pair in changed:
        yield _moved(
            _at(found[key].case_number, found[key].shop),
            (pgettext("list", "; ").join(_stands(*one)) for one in pair),
        )


def _stands(status: str, ends_at: datetime | None, is_stayed: bool) -> Iterator[str]:
    label = str(Penalty.Status(status).label)
    if ends_at and status == Penalty.Status.IMPOSED:
        yield _("%(status)s until %(moment)s") % {"status": label, "moment": said(ends_at)}
    else:
        yield label
    if is_stayed:
        yield _("stayed")


def _proposals(keys: Collection[int]) -> list[str]:
    found = Proposal.objects.select_related("shop", "product", "alliance").filter(pk__in=keys)
    return [_named(one) for one in found.order_by("pk")]


def _executions(before: _State, after: _State) -> Iterator[str]:
    changed = _changed(before.on_the_platform, after.on_the_platform, ())
    found = Execution.objects.select_related("shop", "product", "alliance", "penalty").in_bulk(
        [key for key, _pair in changed]
    )
    for key, pair in changed:
        yield _moved(_named(found[key]), (_asked(*one) for one in pair if one))


def _asked(state: str, turn: str | None) -> str:
    labels = [Execution.State(state).label, *([Execution.Turn(turn).label] if turn else [])]
    return pgettext("list", "; ").join(map(str, labels))


def _named(record: Proposal | Execution) -> str:
    return _at(record, record.alliance or _("the platform"))


def _at(what: object, where: object) -> str:
    return f"{what} · {where}"


def _moved(what: object, states: Iterable[object]) -> str:
    return f"{what}{pgettext('before a reason', ': ')}{' → '.join(map(str, states))}"
