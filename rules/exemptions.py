"""A supervisor's word that a rule does not count for a shop: granted until a date, ended before it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rules import publishing
from rules.models import Rule, RuleSet, ShopExemption
from shops.errors import Refused
from shops.models import Alliance, Shop
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

GRANT = "rules.grant_exemption"
# What history keeps as the reason of a grant, in words.
WRITTEN = {"granted": gettext_lazy("granted")}


@transaction.atomic
def grant(
    *,
    shop: Shop,
    alliance: Alliance,
    rule_code: str,
    until: date,
    reason: str,
    by: User | None,
    at: datetime,
) -> ShopExemption:
    """Exempt the shop from the rule; `until` is the last day on which that counts.

    From a rule on products all of the shop's products are exempt.

    Refused without a reason, for a day that is over, where the shop is exempt from the rule already, and for
    a rule that isn't in force in the alliance, only advises, is never evaluated or counts openings: an
    exemption from it would do nothing.
    """
    require(by, GRANT)
    today = localdate(at)
    if not reason.strip():
        raise Refused(_("An exemption states its reason."))
    if until < today:
        raise Refused(
            _("The exemption would end on %(until)s, which is over.") % {"until": date_format(until)}
        )
    in_force = [
        publishing.in_force(alliance, purpose, today, subject)
        for subject in RuleSet.Subject
        for purpose in RuleSet.Purpose
    ]
    rule = Rule.objects.filter(rule_set__in=[found for found in in_force if found], code=rule_code).first()
    names = {"rule": rule_code, "alliance": alliance}
    if rule is None:
        raise Refused(_("%(alliance)s has no rule %(rule)s in force.") % names)
    if rule.advisory:
        raise Refused(_("Rule %(rule)s only advises: nobody needs an exemption from it.") % names)
    if not rule.metric:
        raise Refused(
            _("Rule %(rule)s is never evaluated by the daily check: nobody needs an exemption from it.")
            % names
        )
    if rule.metric == "openings_left":
        raise Refused(_("Rule %(rule)s counts openings: the alliance's limit stands for every shop.") % names)
    # Of two at once the second waits here, and finds the first.
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    same = ShopExemption.objects.filter(shop=shop, alliance=alliance, rule_code=rule_code, until__gte=today)
    standing = same.order_by("-until").first()
    if standing is not None:
        raise Refused(
            _("The shop is exempt from rule %(rule)s until %(until)s already. End that exemption first.")
            % {"rule": rule_code, "until": date_format(standing.until)}
        )
    exemption = ShopExemption(
        shop=shop, alliance=alliance, rule_code=rule_code, until=until, reason=reason.strip(), granted_at=at
    )
    exemption.save_by(by, "granted")
    return exemption


@transaction.atomic
def end(exemption: ShopExemption, *, by: User | None, on: date, reason: str) -> None:
    """Let the rule count again from `on`: the day before is the last on which the exemption counts.

    Refused without a reason, and when it is over by then anyhow.
    """
    require(by, GRANT)
    exemption.refresh_from_db(from_queryset=ShopExemption.objects.select_for_update(no_key=True))
    if not reason.strip():
        raise Refused(_("Ending an exemption takes a reason."))
    if exemption.until < on:
        raise Refused(_("The exemption is over since %(until)s.") % {"until": date_format(exemption.until)})
    exemption.until = on - timedelta(days=1)
    exemption.save_by(by, reason.strip())
