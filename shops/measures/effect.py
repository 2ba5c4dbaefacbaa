"""What every kind of measure has in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format, localize
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from shops.calendar import NAMEABLE, NAMEABLE_MOMENTS
from shops.errors import Refused
from shops.models import Measure
from shops.texts import told_moment

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# What a measure may have to be told, as people call it.
ASKED = {
    "alliance": gettext_lazy("alliance"),
    "amount_fen": gettext_lazy("amount"),
    "basis": pgettext_lazy("deposit", "basis"),
    "ends_at": gettext_lazy("ends at"),
    "points": pgettext_lazy("penalty", "points"),
    "product": gettext_lazy("product"),
    "score": gettext_lazy("experience score"),
    "share": gettext_lazy("share"),
}


def in_words(names: Iterable[str]) -> str:
    """The fields that are still to be asked, as people call them."""
    return pgettext("between names", ", ").join(str(ASKED[name]) for name in names)


class Effect:
    """One kind: what it does and how that is taken back. Applied or undone twice, it is so once.

    A subclass says what it will do and what it did, what it needs, and what it changes beside its own record.
    """

    # The field by which it does more or less; empty where it stands as a whole or not at all.
    lessens = ""

    def apply(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        """Refused where the measure lacks what it needs, or can't take effect."""
        if measure.applied_at is not None:
            return
        self.complete(measure, at)
        lacking = self.needs(measure)
        if lacking:
            raise Refused(
                _("“%(measure)s” needs to be told: %(lacking)s.")
                % {"measure": measure.get_kind_display(), "lacking": in_words(lacking)}
            )
        if measure.ends_at is not None and measure.ends_at <= at:
            raise Refused(
                _("“%(measure)s” would end before it begins.") % {"measure": measure.get_kind_display()}
            )
        # The moment at which points lapse is reckoned, and may lie beyond.
        if measure.kind in Measure.LASTING and not _is_nameable(measure.ends_at):
            raise Refused(
                _("“%(measure)s” would end too late: name a day until %(last)s.")
                % {"measure": measure.get_kind_display(), "last": date_format(NAMEABLE.last)}
            )
        self.prepare(measure, by=by, at=at)
        measure.applied_at = at
        measure.save_by(by, "applied")
        self.carry_out(measure, by=by, at=at)

    def undo(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.applied_at is None or measure.undone_at is not None:
            return
        # First ended, then taken back: while it stands, it may itself be what keeps the shop out.
        measure.undone_at = at
        measure.save_by(by, "undone")
        self.take_back(measure, by=by, at=at)

    def lapse(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.applied_at is None or measure.undone_at is not None or measure.lapsed_at is not None:
            return
        measure.lapsed_at = at
        measure.save_by(by, "lapsed")

    def lessen(
        self, measure: Measure, less: int | Decimal | datetime, *, by: User | None, at: datetime
    ) -> None:
        """Have it do less from now on, never more: `less` is of the field that it lessens.

        Refused where it is taken back or over, where it can't be lessened, and for what isn't less.
        """
        if not self.can_be_less(measure):
            raise Refused(
                _("“%(measure)s” can't be lessened: it stands as a whole, or is taken back.")
                % {"measure": measure.get_kind_display()}
            )
        self.refuse_unless_less(measure, less, at)
        setattr(measure, self.lessens, less)
        measure.save_by(by, "lessened")
        self.give_back(measure, by=by, at=at)

    def can_be_less(self, measure: Measure) -> bool:
        """Whether there is something of it to be lessened."""
        stands = measure.applied_at is not None and measure.undone_at is None and measure.lapsed_at is None
        # What has no end may be given one; of nothing nothing can be less.
        much = measure.kind in Measure.LASTING or (self.lessens and getattr(measure, self.lessens))
        return stands and bool(much)

    def refuse_unless_less(self, measure: Measure, less: int | Decimal | datetime, at: datetime) -> None:
        before = getattr(measure, self.lessens)
        # Points and fen are whole.
        parts = not isinstance(less, datetime) and isinstance(before, int) and less != int(less)
        if isinstance(less, datetime) or parts or not 0 < less < before:
            raise Refused(
                _("“%(measure)s” is lessened to something above zero and below %(before)s.")
                % {"measure": measure.get_kind_display(), "before": self.amount(before)}
            )

    def amount(self, value: Any) -> str:
        """A value of the field that it lessens, for people."""
        return localize(value)

    def give_back(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        """Once less is on record: what was taken beyond it."""

    def describe(self, measure: Measure) -> str:
        """What it will do, does or did."""
        if measure.applied_at is None:
            return self.will(measure)
        told = self.did(measure)
        if measure.undone_at is not None:
            return _("%(measure)s, undone") % {"measure": told}
        if measure.lapsed_at is not None:
            # Whenever it was found that its time is over, it was over at its end.
            if measure.ends_at is not None and measure.ends_at <= measure.lapsed_at:
                return _("%(measure)s, ran out on %(day)s") % {
                    "measure": told,
                    "day": date_format(localtime(measure.ends_at)),
                }
            return _("%(measure)s, over since %(day)s") % {
                "measure": told,
                "day": date_format(localtime(measure.lapsed_at)),
            }
        return told

    def needs(self, measure: Measure) -> list[str]:
        """The fields of the measure, or `product` and `alliance` of its penalty, still to be asked."""
        return []

    def complete(self, measure: Measure, at: datetime) -> None:
        """Set what the desk's own settings give, where nobody has said otherwise."""

    def prepare(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        """Before it is on record: what can refuse it, and what its record has to name."""

    def carry_out(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        """Once it is on record: what refers to it."""

    def take_back(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        """Once its end is on record."""

    def will(self, measure: Measure) -> str:
        """What it is going to do, in a line for people."""
        return measure.get_kind_display()

    def did(self, measure: Measure) -> str:
        """What it has done; told alike unless a kind says otherwise."""
        return self.will(measure)


class Lasting(Effect):
    """One that is in effect until its end: lessened, it ends earlier."""

    lessens = "ends_at"

    def needs(self, measure: Measure) -> list[str]:
        return ["ends_at"] if measure.end_asked and measure.ends_at is None else []

    def refuse_unless_less(self, measure: Measure, less: int | Decimal | datetime, at: datetime) -> None:
        assert isinstance(less, datetime)
        # What was in effect until now can't be undone by an end that is over: that is to take it back.
        if less <= at or (measure.ends_at is not None and less >= measure.ends_at):
            told = {"measure": measure.get_kind_display()}
            if measure.ends_at is None:
                raise Refused(_("“%(measure)s” is lessened to an end that comes after now.") % told)
            told["before"] = self.amount(measure.ends_at)
            raise Refused(
                _("“%(measure)s” is lessened to an end that comes after now and before %(before)s.") % told
            )

    def amount(self, value: Any) -> str:
        return told_moment(value)


def until(measure: Measure, told: str) -> str:
    """With the moment at which it ends by itself, where it does."""
    if measure.ends_at is None:
        return told
    return _("%(measure)s until %(moment)s") % {"measure": told, "moment": told_moment(measure.ends_at)}


def _is_nameable(moment: datetime | None) -> bool:
    return moment is None or NAMEABLE_MOMENTS.holds(moment)
