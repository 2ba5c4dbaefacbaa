"""Measures over what a shop may do: reduced traffic, no live selling, suspended, closed for good.

Each is nothing but its record: shops.standing derives from it what the shop may do.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from shops.measures.effect import Effect, Lasting, until
from shops.models import Measure


class ReduceRoom(Lasting):
    """The live room is shown to fewer people."""

    def will(self, measure: Measure) -> str:
        return until(measure, _("Reduce the live room's traffic"))

    def did(self, measure: Measure) -> str:
        return until(measure, _("The live room's traffic is reduced"))


class ReduceAccount(Lasting):
    """The whole account is shown to fewer people."""

    def will(self, measure: Measure) -> str:
        return until(measure, _("Reduce the account's traffic"))

    def did(self, measure: Measure) -> str:
        return until(measure, _("The account's traffic is reduced"))


class RestrictLive(Lasting):
    """The shop may not sell live."""

    def will(self, measure: Measure) -> str:
        return until(measure, _("Restrict live selling"))

    def did(self, measure: Measure) -> str:
        return until(measure, _("Live selling is restricted"))


class Suspend(Lasting):
    """The shop is closed to buyers until a date, on which that ends by itself (CL-3)."""

    def needs(self, measure: Measure) -> list[str]:
        return [] if measure.ends_at else ["ends_at"]

    def will(self, measure: Measure) -> str:
        return until(measure, _("Suspend the shop"))

    def did(self, measure: Measure) -> str:
        return until(measure, _("The shop is suspended"))


class Close(Effect):
    """The shop is put off the platform for good (CL-1): only overturning its penalty undoes that (CL-4).

    Its penalty clears it from every alliance besides, each clearance a measure of its own (R19).
    """

    def will(self, measure: Measure) -> str:
        return _("Close the shop for good")

    def did(self, measure: Measure) -> str:
        return _("The shop is closed for good")
