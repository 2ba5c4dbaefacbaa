"""The pages on which a penalty is imposed, its whole effect shown before, and a part of it taken back."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk import consequences, foreseen, penalising, remainders, resting
from opsdesk.admin.measure_forms import CaseForm, ViolationForm, forms_of, mark_what_is_lacking
from opsdesk.remainders import Fallen
from rules.models import Proposal
from shops import catalogue, measures, previews
from shops.admin.forms import form_page
from shops.admin.looking import Otherwise, Told, hold_to_what_was_shown
from shops.errors import Refused
from shops.models import Measure, Penalty, Shop, Violation
from shops.rights import person_of
from shops.texts import as_written

IMPOSE, OVERTURN = "shops.impose_penalty", "shops.overturn_penalty"


def penalise(request: HttpRequest, site: AdminSite, shop_id: int) -> HttpResponse:
    """Choose the violation, say what is asked, look at the whole effect, and impose it.

    What is imposed is what was looked at: the effect is shown again where the form was changed since, or what
    it would do, or the entry of the catalogue. With `?proposal=` the proposal to penalise is accepted by it:
    its alliance and product are not asked.
    """
    if not request.user.has_perm(IMPOSE):
        raise PermissionDenied
    shop = get_object_or_404(Shop, pk=shop_id)
    proposal = _proposal(request, shop)
    if proposal is not None and proposal.status != Proposal.Status.OPEN and not _is_imposed(request):
        told = {"number": proposal.pk, "status": proposal.get_status_display()}
        messages.error(request, _t("Proposal %(number)s is %(status)s: nothing is imposed by it.") % told)
        return HttpResponseRedirect(reverse("admin:rules_proposal_change", args=[proposal.pk]))
    violation = _violation(request, proposal)
    at = timezone.now()
    if violation is None and (proposal is None or proposal.points_threshold_id is None):
        return _choose(request, site, shop)
    if proposal is not None:
        default = consequences.measures_of(proposal, at)
    else:
        assert violation is not None
        default = catalogue.consequences(violation, shop, at=at)
    # From a proposal that can't be accepted as it stands comes nothing but the note that was written there.
    data = request.POST if request.method == "POST" and "note" not in request.POST else None
    given = catalogue.points_of(violation, shop, at=at) if violation else None
    number = catalogue.case_number_of(violation, shop, at) if violation else None
    reported = proposal.case if proposal else None
    asked = catalogue.ends_asked(violation) if violation else ()
    own = forms_of(shop, default, data, given, asked)
    case = CaseForm(shop, data, initial=_known(request, proposal, violation))
    if proposal is not None:
        case.fix("alliance", "product")
    shown: previews.Preview | None = None
    digest, changed = "", False
    # Sent twice, it is answered as the first time: by now it would be another case.
    imposed_already = proposal is None and _is_imposed(request)
    if data is not None and all([case.is_valid(), *(form.is_valid() for form in own)]):
        chosen = [measure for form in own for measure in form.measures()]
        shown = previews.preview(
            shop,
            chosen,
            at=at,
            violation=violation,
            alliance=case.cleaned_data["alliance"],
            product=case.cleaned_data["product"],
            case=reported,
            given=default,
        )
        mark_what_is_lacking(own, case, shown.lines)
        digest = _digest(shown, case, violation, number)
        looked_at = data.get("looked_at") == digest or imposed_already
        changed = "impose" in data and not looked_at
        if not chosen:
            case.add_error(None, _t("Choose at least one measure."))
        elif looked_at and shown.complete and "impose" in data:
            try:
                penalty = _impose(request, shop, violation, proposal, chosen, case)
            except Refused as refusal:
                case.add_error(None, str(refusal))
            else:
                messages.success(request, _t("%(penalty)s is imposed.") % {"penalty": penalty})
                return HttpResponseRedirect(reverse("admin:shops_penalty_change", args=[penalty.pk]))
    context = {
        **site.each_context(request),
        "title": _t("Impose a penalty on %(shop)s") % {"shop": shop},
        "opts": Penalty._meta,
        "shop": shop,
        "violation": violation,
        "proposal": proposal,
        "case": case,
        "own": own,
        "shown": shown,
        "digest": digest,
        "changed": changed,
        "key": _key(request) or uuid4().hex,
        "earlier": previews.earlier_cases(shop, violation, reported) if violation else [],
        "number": number,
        "errors": case.errors or any(form.errors for form in own),
    }
    return TemplateResponse(request, "admin/shops/shop/penalise.html", context)


def undo_part(request: HttpRequest, site: AdminSite, pk: int) -> HttpResponse:
    """Take some of a penalty's measures back, or look at what that would change; the penalty stands on."""
    if not request.user.has_perm(OVERTURN):
        raise PermissionDenied
    penalty = get_object_or_404(Penalty.objects.select_related("shop"), pk=pk)
    form = PartForm(penalty, request.POST if request.method == "POST" else None)
    back = reverse("admin:shops_penalty_change", args=[pk])
    looks = "look" in request.POST
    form.fields["reason"].required = not looks
    shown: Told = []
    if request.method == "POST" and form.is_valid():
        at, reason = timezone.now(), form.cleaned_data["reason"] or foreseen.REASON
        by = person_of(request)

        def undo(same: Penalty) -> Fallen:
            chosen = list(same.measures.filter(pk__in=form.cleaned_data["measures"]))
            return penalising.undo_measures(same, chosen, by=by, at=at, reason=reason)

        def look() -> Told:
            return foreseen.foresee(penalty, lambda same: remainders.of(undo(same), at), by=by, at=at).told

        try:
            if looks:
                shown = look()
            else:
                with transaction.atomic():
                    shown = hold_to_what_was_shown(request, look)
                    undo(penalty)
                messages.success(request, _t("Taken back; the penalty stands on."))
                return HttpResponseRedirect(back)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            shown = refusal.told if isinstance(refusal, Otherwise) else shown
    return form_page(
        request,
        site,
        form,
        title=_("Take a part back"),
        intro=_t("%(penalty)s stands on with what is left of it.") % {"penalty": penalty},
        submit=pgettext_lazy("penalty", "Take it back"),
        back=back,
        of=penalty,
        opts=Penalty._meta,
        may_look=True,
        foreseen=shown,
    )


class PartForm(forms.Form):
    """Which measures, and why."""

    measures = forms.MultipleChoiceField(label=_("Measures"), widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, penalty: Penalty, data: Any = None) -> None:
        super().__init__(data)
        standing = penalty.measures.filter(applied_at__isnull=False, undone_at=None).order_by("pk")
        choices = [(str(one.pk), measures.describe(one)) for one in standing]
        # Django types a form's fields without what this kind of field has.
        self.fields["measures"].choices = choices  # type: ignore[attr-defined]
        self.fields["measures"].help_text = resting.falls_with_its_closing(penalty)


def _choose(request: HttpRequest, site: AdminSite, shop: Shop) -> HttpResponse:
    context = {
        **site.each_context(request),
        "title": _t("Impose a penalty on %(shop)s") % {"shop": shop},
        "opts": Penalty._meta,
        "shop": shop,
        "form": ViolationForm(),
    }
    return TemplateResponse(request, "admin/shops/shop/violation.html", context)


def _proposal(request: HttpRequest, shop: Shop) -> Proposal | None:
    asked = request.GET.get("proposal", "")
    if not asked.isdecimal() or len(asked) > 18:
        return None
    return get_object_or_404(
        Proposal.objects.select_related(
            "case__violation__alliance", "points_threshold", "alliance", "product"
        ),
        pk=asked,
        shop=shop,
        kind=Proposal.Kind.PENALISE,
    )


def _violation(request: HttpRequest, proposal: Proposal | None) -> Violation | None:
    if proposal is not None:
        return proposal.case.violation if proposal.case else None
    asked = request.GET.get("violation", "")
    if not asked.isdecimal() or len(asked) > 18:
        return None
    return Violation.objects.select_related("alliance").filter(pk=asked, active=True).first()


def _known(request: HttpRequest, proposal: Proposal | None, violation: Violation | None) -> dict[str, Any]:
    if proposal is None:
        return {"alliance": violation and violation.alliance}
    note = request.POST.get("note", "").strip()
    return {
        "alliance": proposal.alliance,
        "product": proposal.product.code if proposal.product else "",
        "reason": note or (proposal.case.reason if proposal.case else ""),
    }


def _digest(shown: previews.Preview, case: CaseForm, violation: Violation | None, number: int | None) -> str:
    """Names what was looked at: the effect in words, also on the controller's other shops, what is said
    around it, and which case of what it would be, in the version that was read.
    """
    charged = violation and (
        violation.pk,
        catalogue.version_of(violation),
        violation.serious,
        violation.bars_controller,
        violation.endangers_transactions,
    )
    told = [
        *(line.told for line in shown.lines),
        shown.money,
        *shown.points,
        *((one.pk, one.alliance_id) for one in shown.closed),
        *(one.pk for one in shown.reached),
        *(one.pk for one in shown.barred),
        *((one.pk, one.alliance_id) for one in shown.proposed),
        *shown.left_out,
        *shown.otherwise,
        charged,
        number,
        *(case.cleaned_data[name] for name in ("alliance", "product")),
    ]
    return sha256(repr(told).encode()).hexdigest()[:32]


def _key(request: HttpRequest) -> str:
    return as_written(request.POST.get("key", ""))[:64]


def _is_imposed(request: HttpRequest) -> bool:
    key = _key(request)
    return bool(key) and Penalty.objects.filter(key=key).exists()


def _impose(
    request: HttpRequest,
    shop: Shop,
    violation: Violation | None,
    proposal: Proposal | None,
    chosen: list[Measure],
    case: CaseForm,
) -> Penalty:
    said, by, at = case.cleaned_data, person_of(request), timezone.now()
    if proposal is not None:
        decision = penalising.accept(
            proposal, measures=chosen, reason=said["reason"], evidence=said["statement"], by=by, at=at
        )
        assert decision.proposal.penalty is not None
        return decision.proposal.penalty
    assert violation is not None
    return penalising.impose(
        shop=shop,
        violation=violation,
        alliance=said["alliance"],
        product=said["product"],
        measures=chosen,
        reason=said["reason"],
        evidence=said["statement"],
        by=by,
        at=at,
        key=_key(request),
    )
