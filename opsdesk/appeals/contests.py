"""What an appeal against a penalty finds: whether there is one, on which level, until when, by whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from opsdesk.deadlines import Window, contestable, next_windows, said
from opsdesk.models import Appeal
from opsdesk.parts import parts_of
from shops.errors import Refused
from shops.models import Penalty, Shop
from shops.quoting import number_in
from shops.rights import name_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True)
class Contest:
    """A penalty, and what decides whether a shop appeals against it now, and who files that."""

    penalty: Penalty
    # Whether the catalogue leaves the shop an appeal.
    appealable: bool
    heard: Appeal | None
    # Of the next appeal; None where no level is left.
    window: Window | None
    # Who had which part in the penalty, and the first appeal where it was rejected.
    parts: dict[str, int | None]
    first: Appeal | None

    def begun(self) -> Appeal:
        """The next appeal, which nobody has filed yet, with whoever had a part in what it contests."""
        assert self.window is not None
        return Appeal(
            penalty=self.penalty,
            level=self.window.level,
            first_judge_id=self.first.decided_by_id if self.first else None,
            **self.parts,
        )

    def refuse_unless_filed_by(self, by: User | None) -> Window:
        """The window of the next appeal, where this person files it."""
        penalty = self.penalty
        names = {"case": penalty, "status": penalty.get_status_display()}
        if penalty.status not in Penalty.PENALISED:
            raise Refused(_("Penalty %(case)s is %(status)s: there is nothing to appeal against.") % names)
        if not self.appealable:
            raise Refused(_("Against a penalty for this violation there is no appeal."))
        if self.heard is not None:
            raise Refused(
                _("Appeal %(number)s against %(case)s is open already, filed on %(filed)s.")
                % {**names, "number": self.heard.number, "filed": said(self.heard.filed_at)}
            )
        if self.window is None:
            raise Refused(_("Both appeals against %(case)s were ruled on: there is no third.") % names)
        if by is not None and (part := self.begun().part_of(by)):
            # He would speak for the shop against whom it appeals, and use up its right.
            raise Refused(
                _(
                    "%(who)s had a part in what this appeal is about (%(part)s): somebody else files it"
                    " against %(case)s."
                )
                % {**names, "who": name_of(by), "part": part}
            )
        return self.window


def held(penalties: Iterable[Penalty]) -> dict[int, Contest]:
    """Of each penalty, by its key, as it stands and will until the transaction ends.

    Locked in one order, whatever that of the penalties: of two files about the same shops one waits for the
    other, and neither for itself.
    """
    given = list(penalties)
    # The shop stands for all that may become of it: a ruling on another appeal waits, or is seen here.
    shops = Shop.objects.select_for_update(no_key=True).filter(pk__in={one.shop_id for one in given})
    list(shops.order_by("pk").values_list("pk"))
    of = Penalty.objects.select_for_update(no_key=True).filter(pk__in={one.pk for one in given})
    return contests_of(of.order_by("pk"))


def contests_of(penalties: Iterable[Penalty]) -> dict[int, Contest]:
    """Of each penalty, by its key; read at once for all of them."""
    of = {penalty.pk: penalty for penalty in penalties}
    appealable = set(Penalty.objects.filter(contestable(), pk__in=of).values_list("pk", flat=True))
    windows = next_windows(one for one in of.values() if one.status in Penalty.PENALISED)
    heard = {one.penalty_id: one for one in Appeal.open_against(*of.values())}
    rejected = Appeal.objects.filter(penalty__in=of, level=1, state__in=Appeal.REJECTED)
    first = {one.penalty_id: one for one in rejected}
    parts = parts_of(of)
    return {
        pk: Contest(penalty, pk in appealable, heard.get(pk), windows.get(pk), parts[pk], first.get(pk))
        for pk, penalty in of.items()
    }


def why_not_contested(penalty: Penalty, by: User) -> str:
    """What keeps this person from filing an appeal, whenever the shop came; empty: nothing."""
    try:
        contests_of([penalty])[penalty.pk].refuse_unless_filed_by(by)
    except Refused as refusal:
        return str(refusal)
    return ""


def case_of(text: str) -> Penalty | None:
    """The penalty that people quote so: by the desk's own number, else by the platform's."""
    return cases_of([text]).get(text)


def cases_of(texts: Iterable[str]) -> dict[str, Penalty]:
    """The same of many, by what people quote; without those that mean none."""
    quoted = {text: number_in(text, "P") for text in texts if text}
    own = Penalty.objects.in_bulk([number for number in quoted.values() if number is not None])
    found = {text: own[number] for text, number in quoted.items() if number in own}
    of_platforms = Penalty.objects.filter(reference__in=quoted.keys() - found.keys())
    return {one.reference: one for one in of_platforms} | found
