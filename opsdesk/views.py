"""The two addresses at which a proposal is decided; ProposalAdmin routes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from opsdesk import reasons, review
from opsdesk.consequences import StillAsked
from opsdesk.models import Decision
from opsdesk.reasons import ReasonMissing
from rules.models import Proposal
from shops.errors import Refused

PAGES = "admin/rules/proposal"


def urlpatterns_for_proposals(site: AdminSite) -> list[URLPattern]:
    """Accept and reject; they go before the model admin's own addresses."""
    return [
        path(
            f"<int:proposal_id>/{name}/",
            site.admin_view(partial(_decide, site=site, verb=verb)),
            name=f"rules_proposal_{name}",
        )
        for name, verb in (("accept", review.accept), ("reject", review.reject))
    ]


@require_POST
def _decide(
    request: HttpRequest, proposal_id: int, *, site: AdminSite, verb: Callable[..., Decision]
) -> HttpResponse:
    """302 done, 400 no reason, 403 no right, 404 no such proposal, 409 decided already or refused."""
    reason, note = (request.POST.get(name, "") for name in ("reason", "note"))
    try:
        decision = verb(proposal_id, by=request.user, reason=reason, note=note, at=timezone.now())
    except Proposal.DoesNotExist as error:
        raise Http404 from error
    except ReasonMissing as refusal:
        return _page(request, site, "refused.html", 400, proposal_id, refusal)
    except review.AlreadyDecided as refusal:
        return _page(request, site, "decided.html", 409, proposal_id, refusal)
    except StillAsked as refusal:
        _code, words = reasons.resolve(reason, note, Decision.Verdict.ACCEPTED)
        return _page(request, site, "still_asked.html", 409, proposal_id, refusal, words)
    except Refused as refusal:
        return _page(request, site, "refused.html", 409, proposal_id, refusal)
    proposal = decision.proposal
    messages.success(
        request,
        _("%(proposal)s: %(verdict)s.") % {"proposal": proposal, "verdict": decision.get_verdict_display()},
    )
    return HttpResponseRedirect(_next_after(proposal))


def _next_after(proposal: Proposal) -> str:
    """The open proposal below this one in the alliance's list; at the end of the list its first, or none."""
    waiting = Proposal.objects.filter(status=Proposal.Status.OPEN, alliance=proposal.alliance_id)
    waiting = waiting.order_by("-filed_on", "-pk")
    below = Q(filed_on__lt=proposal.filed_on) | Q(filed_on=proposal.filed_on, pk__lt=proposal.pk)
    pk = waiting.filter(below).values_list("pk", flat=True).first()
    pk = pk or waiting.values_list("pk", flat=True).first()
    if pk is None:
        return reverse("admin:rules_proposal_changelist")
    return reverse("admin:rules_proposal_change", args=[pk])


def _page(
    request: HttpRequest,
    site: AdminSite,
    template: str,
    status: int,
    proposal_id: int,
    refusal: Refused,
    note: str = "",
) -> HttpResponse:
    proposal = Proposal.objects.select_related("shop", "alliance", "product").filter(pk=proposal_id).first()
    context = {
        **site.each_context(request),
        "title": _("Already decided") if template == "decided.html" else _("Not done"),
        "proposal": proposal,
        "decision": getattr(refusal, "decision", None),
        "refusal": refusal,
        "note": note,
        "opts": Proposal._meta,
    }
    return TemplateResponse(request, f"{PAGES}/{template}", context, status=status)
