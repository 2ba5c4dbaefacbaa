"""What the platform does to both, and what the desk does with their product."""

from __future__ import annotations

from django.utils.timezone import localdate
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shops import listings, penalties
from shops.errors import Refused
from shops.models import Listing, Measure
from tests.opsdesk.twins.pair import OF_WHOM, Pair
from tests.opsdesk.twins.seen import Twin
from tests.shops.importing import bring


class Platform(Pair):
    @rule(role=OF_WHOM, status=st.sampled_from(["closed", "normal", "normal", "suspended"]))
    def file_of_shops(self, role: str, status: str) -> None:
        """Closes both, opens them again, or bans them for a while."""
        if status == self.status[role]:
            status = "normal" if status != "normal" else "closed"
        with self.step(f"the platform says {status}"):
            self.reported(role, status)

    @precondition(lambda pair: not pair.checked)
    @rule()
    def daily_check(self) -> None:
        with self.step("daily check"):
            self.check()

    @rule(ground=st.sampled_from(["metric", "metric", "judgement"]))
    def stop(self, ground: str) -> None:
        with self.step("stop"):

            def stopped(one: Twin) -> None:
                penalties.impose(
                    shop=one.shop,
                    product=one.listing.product,
                    alliance=one.listing.alliance,
                    ground=ground,
                    by=None,
                    at=self.at,
                    reason="too many came back",
                    evidence={},
                    measures=[Measure(kind="stop")],
                )

            self.alike(stopped)
            self.was_stopped = True

    @precondition(lambda pair: pair.was_stopped)
    @rule()
    def platform_repeats_the_stop(self) -> None:
        """Its file says that what a penalty stops is stopped."""
        with self.step("the platform repeats the stop"):
            stopped = listings.stops().filter(listing__in=[one.listing for one in self.both])
            rows = [
                f"{one.product.code},{one.alliance.code},stopped,{localdate(self.at)}\n"
                for one in Listing.objects.filter(pk__in=stopped.values("listing")).order_by("pk")
            ]
            if not rows:
                raise Refused("nothing is stopped")
            file = "product,alliance,state,since\n" + "".join(rows)
            assert bring("listings", file, at=self.at).state == "applied"

    @rule(observed=st.booleans())
    def resume(self, observed: bool) -> None:
        with self.step("resume"):
            self.alike(lambda one: self._resumed(one, observed))

    @precondition(lambda pair: pair.wrongs)
    @rule(observed=st.booleans())
    def resume_the_wronged(self, observed: bool) -> None:
        """While the twin's was never stopped."""
        with self.step("resume the wronged"):
            theirs = Listing.objects.get(pk=self.twin.listing.pk)
            if theirs.state != Listing.State.PROMOTED or listings.stops().filter(listing=theirs).exists():
                raise Refused("the twin's waits to be resumed as well")
            self._resumed(self.wronged, observed)

    def _resumed(self, one: Twin, observed: bool) -> None:
        penalties.resume(one.listing, by=None, at=self.at, reason="as good again", observed=observed)
