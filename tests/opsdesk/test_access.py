"""Every address × every role × reading and writing, against the table below.

The addresses are found by walking the URL patterns: a new one without a row here fails, and so does a row
whose address is gone. A cell names who gets in: is neither sent to the sign-in nor answered 403, 404 or 405.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from opsdesk import review
from opsdesk.models import AppealTerms, Notice
from opsdesk.roles import ROLES
from rules import drafts, exemptions
from rules.models import RuleSet, SimulatedChange
from shops import imports, topups
from shops.models import (
    Alliance,
    DepositRequirement,
    DepositStep,
    Export,
    ImportBatch,
    ImportSource,
    PointsThreshold,
    Violation,
)
from tests.factories import (
    AT,
    DOUYIN,
    make_appeal,
    make_controller,
    make_declared,
    make_evidence,
    make_listing,
    make_penalty,
    make_proposal,
    make_qualification,
    make_shop,
    make_simulation,
    make_sweep,
    make_user,
)
from tests.shops.accounting import paid_in

# Who asks: the roles, somebody of the staff without a role, somebody who isn't staff, nobody signed in.
WITHOUT_A_ROLE, OUTSIDER, ANONYMOUS, SUPERUSER = "no role", "no staff", "anonymous", "superuser"
ASKING = [*ROLES, WITHOUT_A_ROLE, OUTSIDER, ANONYMOUS, SUPERUSER]

NOBODY: frozenset[str] = frozenset()
ALL = frozenset(ASKING)
STAFF = ALL - {OUTSIDER, ANONYMOUS}
READERS = frozenset(ROLES) - {"administrator"} | {SUPERUSER}
OPERATORS = frozenset({"operator", "supervisor", SUPERUSER})
SUPERVISORS = frozenset({"supervisor", SUPERUSER})
SIMULATORS = SUPERVISORS | {"rules_editor"}
AUDITORS = OPERATORS | {"auditor"}
OFFICERS = SUPERVISORS | {"appeals_officer"}
SEE_APPEALS = OFFICERS | {"auditor"}
DELIVERERS = OPERATORS | OFFICERS
FINANCE = frozenset({"finance", SUPERUSER})
TAKERS = AUDITORS | FINANCE
REQUIRING = FINANCE | SUPERVISORS
EDITORS = frozenset({"rules_editor", SUPERUSER})
JUDGES = SUPERVISORS | {"appeals_officer"}
ADMINISTRATORS = frozenset({"administrator", SUPERUSER})

LATER = (AT + timedelta(days=3650)).date()

Who = frozenset[str]
Row = tuple[Who, Who]  # who may GET, who may POST


def record(
    model: str,
    see: Who,
    *,
    add: Who = NOBODY,
    change: Who = NOBODY,
    delete: Who = NOBODY,
    export: Who | None = None,
    versions: bool = True,
) -> dict[str, Row]:
    """The pages that the admin makes for a model. `versions`: its history can be opened row by row."""
    export = AUDITORS if export is None else export
    rows = {
        f"{model}_changelist": (see, see),
        f"{model}_add": (add, add),
        f"{model}_change": (see, change),
        f"{model}_delete": (delete, delete),
        f"{model}_history": (see, see),
    }
    if export:
        rows[f"{model}_export"] = (export, export)
    return rows | ({f"{model}_simple_history": (see, NOBODY)} if versions else {})


ACCESS: dict[str, Row] = {
    "home": (ALL, ALL),
    "set_language": (ALL, ALL),
    "index": (STAFF, STAFF),
    "login": (ALL, ALL),
    # Who is not signed in is led to the sign-in by way of the home page.
    "logout": (frozenset({OUTSIDER, ANONYMOUS}), ALL),
    "password_change": (STAFF, STAFF),
    "password_change_done": (STAFF, NOBODY),
    "autocomplete": (NOBODY, NOBODY),
    "jsi18n": (STAFF, NOBODY),
    "app_list": (ADMINISTRATORS, ADMINISTRATORS),  # the app of people
    "check_now": (NOBODY, OPERATORS),
    "no_data": (READERS, READERS),
    "metrics": (READERS, NOBODY),
    "no_data_export": (NOBODY, AUDITORS),
    **record("shops_alliance", READERS, change=SUPERVISORS),
    **record("shops_controller", READERS),
    **record("shops_declaredmetric", READERS, add=EDITORS),
    "shops_declaredmetric_define": (EDITORS, EDITORS),
    "shops_declaredmetric_retire": (EDITORS, EDITORS),
    **record("shops_depositentry", READERS, export=TAKERS, versions=False),
    "shops_depositentry_import": (FINANCE, FINANCE),
    "shops_depositentry_account": (READERS, READERS),
    "shops_depositentry_enter": (FINANCE, FINANCE),
    "shops_depositentry_reverse": (FINANCE, FINANCE),
    **record(
        "shops_depositrequirement", READERS, add=REQUIRING, change=REQUIRING, delete=REQUIRING, export=TAKERS
    ),
    **record("shops_depositstep", READERS, add=REQUIRING, change=REQUIRING, delete=REQUIRING, export=TAKERS),
    **record("shops_topup", READERS, export=TAKERS),
    "shops_topup_short": (READERS, READERS),
    "shops_topup_short_export": (NOBODY, TAKERS),
    "shops_topup_demand": (FINANCE, FINANCE),
    "shops_topup_settle": (FINANCE, FINANCE),
    "shops_topup_remind": (FINANCE, FINANCE),
    "shops_topup_cancel": (FINANCE, FINANCE),
    **record("shops_enrollment", READERS),
    "shops_enrollment_import": (OPERATORS, OPERATORS),
    "shops_enrollment_apply": (OPERATORS, OPERATORS),
    "shops_enrollment_leave": (OPERATORS, OPERATORS),
    # Its list alone: of one that somebody else asked for there is no page and no file.
    **record("shops_export", NOBODY, export=NOBODY, versions=False),
    "shops_export_changelist": (TAKERS, TAKERS),
    "shops_export_download": (NOBODY, NOBODY),
    **record("shops_importbatch", READERS, add=OPERATORS | FINANCE),
    "shops_importbatch_source": (AUDITORS, NOBODY),
    "shops_importbatch_confirm": (NOBODY, OPERATORS),
    "shops_importbatch_cancel": (NOBODY, OPERATORS),
    "shops_importbatch_columns": (OPERATORS, OPERATORS),
    "shops_importbatch_reverse": (SUPERVISORS, SUPERVISORS),
    **record("shops_importsource", READERS),
    "shops_importbatch_rejected": (AUDITORS, NOBODY),
    **record("shops_listing", READERS),
    "shops_listing_import": (OPERATORS, OPERATORS),
    **record("shops_penalty", READERS),
    "shops_penalty_lift": (OPERATORS, OPERATORS),
    "shops_penalty_number": (OPERATORS, OPERATORS),
    "shops_penalty_import": (OPERATORS, OPERATORS),
    "shops_penalty_overturn": (JUDGES, JUDGES),
    "shops_penalty_undo": (JUDGES, JUDGES),
    **record("shops_pointsthreshold", READERS, add=SUPERVISORS, change=SUPERVISORS, delete=SUPERVISORS),
    **record("shops_product", READERS),
    "shops_product_import": (OPERATORS, OPERATORS),
    "shops_product_metrics": (AUDITORS, AUDITORS),
    **record("shops_qualification", READERS),
    "shops_qualification_import": (OPERATORS, OPERATORS),
    **record("shops_shop", READERS),
    "shops_shop_import": (OPERATORS, OPERATORS),
    "shops_shop_metrics": (AUDITORS, AUDITORS),
    "shops_shop_rules": (READERS, NOBODY),
    "shops_shop_penalise": (OPERATORS, OPERATORS),
    "shops_shop_close": (OPERATORS, OPERATORS),
    "shops_shop_return": (OPERATORS, OPERATORS),
    **record("shops_violation", READERS, add=SUPERVISORS, change=SUPERVISORS),
    **record("rules_proposal", READERS),
    "rules_proposal_accept": (NOBODY, OPERATORS),
    "rules_proposal_reject": (NOBODY, OPERATORS),
    "rules_proposal_file": (OPERATORS, OPERATORS),
    "rules_proposal_codes": (NOBODY, READERS),
    **record("rules_ruleset", READERS, add=EDITORS),
    "rules_ruleset_compare": (READERS, READERS),
    "rules_ruleset_draft": (NOBODY, EDITORS),
    "rules_ruleset_settings": (EDITORS, EDITORS),
    "rules_ruleset_rule": (EDITORS, EDITORS),
    "rules_ruleset_rule_add": (EDITORS, EDITORS),
    "rules_ruleset_rule_move": (NOBODY, EDITORS),
    "rules_ruleset_rule_remove": (NOBODY, EDITORS),
    "rules_ruleset_submit": (EDITORS, EDITORS),
    "rules_ruleset_withdraw": (EDITORS, EDITORS),
    "rules_ruleset_discard": (EDITORS, EDITORS),
    "rules_ruleset_send_back": (SUPERVISORS, SUPERVISORS),
    "rules_ruleset_publish": (SUPERVISORS, SUPERVISORS),
    "rules_ruleset_retire": (SUPERVISORS, SUPERVISORS),
    **record("rules_shopexemption", READERS, add=SUPERVISORS),
    "rules_shopexemption_end": (SUPERVISORS, SUPERVISORS),
    **record("rules_simulation", READERS, add=SIMULATORS, export=AUDITORS | SIMULATORS, versions=False),
    **record("rules_simulatedchange", READERS, export=AUDITORS | SIMULATORS, versions=False),
    **record("rules_sweep", READERS),
    "rules_sweep_release": (NOBODY, SUPERVISORS),
    "rules_sweep_drop": (NOBODY, SUPERVISORS),
    **record("opsdesk_decision", READERS),
    "opsdesk_decision_execution": (OPERATORS, OPERATORS),
    **record("opsdesk_notice", READERS),
    "opsdesk_notice_delivery": (DELIVERERS, DELIVERERS),
    "opsdesk_notice_correction": (DELIVERERS, DELIVERERS),
    **record("opsdesk_appealterms", READERS, change=SUPERVISORS),
    **record("opsdesk_appeal", SEE_APPEALS, add=OFFICERS, export=SEE_APPEALS),
    "opsdesk_appeal_rates": (SEE_APPEALS, SEE_APPEALS),
    "opsdesk_appeal_many": (OFFICERS, OFFICERS),
    "opsdesk_appeal_take": (NOBODY, OFFICERS),
    "opsdesk_appeal_release": (NOBODY, OFFICERS),
    "opsdesk_appeal_complete": (NOBODY, OFFICERS),
    **{
        f"opsdesk_appeal_{step}": (OFFICERS, OFFICERS)
        for step in ("ask", "answer", "evidence", "note", "grant", "grant_in_part", "deny", "withdraw")
    },
    "opsdesk_evidence_viewer": (SEE_APPEALS, NOBODY),
    "opsdesk_evidence_page": (SEE_APPEALS, NOBODY),
    "opsdesk_evidence_small": (SEE_APPEALS, NOBODY),
    "opsdesk_evidence_original": (SEE_APPEALS, NOBODY),
    "opsdesk_evidence_strike": (OFFICERS, OFFICERS),
    "opsdesk_appeal_stay": (SUPERVISORS, SUPERVISORS),
    "opsdesk_appeal_unstay": (SUPERVISORS, SUPERVISORS),
    **record(
        "auth_user", ADMINISTRATORS, add=ADMINISTRATORS, change=ADMINISTRATORS, export=NOBODY, versions=False
    ),
    "auth_user_password_change": (ADMINISTRATORS, ADMINISTRATORS),
    **record("auth_group", ADMINISTRATORS, export=NOBODY, versions=False),
}


def addresses(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Each routed address, by its name; by its route where it has none."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        else:
            yield pattern.name or route, pattern


def forwards_alone(name: str) -> bool:
    """The admin's own addresses without a name: a record's short address, and the one that finds nothing."""
    return name.endswith(("/<path:object_id>/", "/(?P<url>.*)$"))


def an_import_with_a_rejected_row() -> ImportBatch:
    file = BytesIO(b"shop,kind,brand,valid_until,verdict\nnobody,brand,Y,2027-01-01,accepted\n")
    batch = imports.receive(kind="qualifications", file=file, file_name="papers.csv", by=None, at=AT)
    return imports.process(batch.pk, at=AT)


def a_requirement() -> DepositRequirement:
    requirement = DepositRequirement(category="beauty", base_fen=100)
    requirement.save_by(None)
    return requirement


def a_step() -> DepositStep:
    step = DepositStep(sales_fen=100, amount_fen=100)
    step.save_by(None)
    return step


def records() -> dict[str, Any]:
    """One record of each kind that has pages of its own."""
    shop = make_shop(controller=make_controller())
    alliance = Alliance.objects.get(code=DOUYIN)
    accepted = make_proposal()
    return {
        "shops_alliance": alliance,
        "shops_declaredmetric": make_declared(),
        "shops_export": Export.objects.create(
            asked_by=make_user("auditor"),
            asked_at=AT,
            finished_at=AT,
            state=Export.State.DONE,
            source="shops.shop",
            columns=["code"],
            format=Export.Format.CSV,
            language="en",
        ),
        "shops_importsource": ImportSource.objects.create(name="platform", kind="shops"),
        "shops_importbatch": an_import_with_a_rejected_row(),
        "shops_controller": shop.controller,
        "shops_depositentry": paid_in(shop, 100),
        "shops_depositrequirement": a_requirement(),
        "shops_depositstep": a_step(),
        "shops_topup": topups.demand(shop=shop, amount_fen=1, by=None, at=AT, key="owed", due_on=LATER),
        "shops_listing": (listing := make_listing()),
        "shops_penalty": make_penalty(shop),
        "shops_pointsthreshold": PointsThreshold.objects.create(points=12, kinds=["warning"]),
        "shops_product": listing.product,
        "shops_qualification": make_qualification(shop),
        "shops_shop": shop,
        "shops_violation": Violation.objects.get(code="V1"),
        "rules_ruleset": drafts.draft_from(
            RuleSet.objects.get(alliance=alliance, purpose="admission"), by=None, at=AT
        ),
        "rules_shopexemption": exemptions.grant(
            shop=shop,
            alliance=alliance,
            rule_code="DF-A5",
            until=LATER,
            reason="moved",
            by=None,
            at=AT,
        ),
        "rules_simulation": (simulation := make_simulation(status="running", finished_at=None)),
        "rules_simulatedchange": SimulatedChange.objects.create(
            simulation=simulation, shop=shop, change=SimulatedChange.Change.NEWLY_OUT
        ),
        "rules_sweep": make_sweep(status="held"),
        "opsdesk_decision": (decision := review.accept(accepted.pk, by=None, reason="below_bar", at=AT)),
        "opsdesk_notice": Notice.objects.get(penalty=decision.proposal.penalty),
        "opsdesk_appealterms": AppealTerms.current(),
        "opsdesk_appeal": make_evidence(make_appeal(decision.proposal.penalty)).appeal,
        "rules_proposal": (proposal := make_proposal()),
        "shops_enrollment": proposal.enrollment,
        "auth_user": make_user(None),
        "auth_group": Group.objects.get(name="auditor"),
    }


def address_of(name: str, of: dict[str, Any]) -> str:
    """An address of that name that leads to an existing record."""
    if name in ("home", "set_language"):
        return reverse(name)
    if name in ("check_now", "no_data", "no_data_export"):
        return reverse(f"admin:{name}", args=[DOUYIN])
    if name == "app_list":
        return reverse("admin:app_list", args=["auth"])
    if name.startswith("opsdesk_evidence_"):
        token = of["opsdesk_appeal"].evidence.get().token
        return reverse(f"admin:{name}", args=[token, 1] if name.endswith("_page") else [token])
    model = next((model for model in of if name.startswith(f"{model}_")), None)
    page = name.removeprefix(f"{model}_") if model else name
    if model is None or page in (
        "changelist",
        "add",
        "export",
        "import",
        "metrics",
        "file",
        "codes",
        "compare",
        "rates",
        "many",
        "short",
        "short_export",
    ):
        return reverse(f"admin:{name}")
    subject = of[model]
    if page in ("account", "demand"):
        return reverse(f"admin:{name}", args=[subject.shop_id])
    if page == "enter":
        return reverse(f"admin:{name}", args=[subject.shop_id, "pay_in"])
    if page in ("rule", "rule_move", "rule_remove"):
        return reverse(f"admin:{name}", args=[subject.pk, subject.rules.first().pk])
    if page == "simple_history":
        return reverse(f"admin:{name}", args=[subject.pk, subject.history.first().pk])
    return reverse(f"admin:{name}", args=[subject.pk])


def client_of(who: str) -> Client:
    client = Client(raise_request_exception=False, headers={"accept-language": "en"})
    if who == SUPERUSER:
        client.force_login(User.objects.create_superuser("root"))
    elif who == OUTSIDER:
        client.force_login(User.objects.create_user("outsider"))
    elif who != ANONYMOUS:
        client.force_login(make_user(who if who in ROLES else None))
    return client


def gets_in(who: Client, method: str, address: str) -> bool | None:
    """Whether this person is let in there; None where the desk breaks. What the request does is undone."""
    session = dict(who.cookies)
    with transaction.atomic():
        answer = getattr(who, method)(address, {"reason": "as I see it"} if method == "post" else {})
        transaction.set_rollback(True)
    if answer.streaming:
        # Read to its end, a file is closed.
        list(answer)
    who.cookies.clear()
    who.cookies.update(session)
    if answer.status_code >= 500:
        return None
    to_the_sign_in = answer.status_code == 302 and answer["Location"].startswith("/admin/login/")
    return answer.status_code not in (403, 404, 405) and not to_the_sign_in


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    routed = {name for name, _pattern in addresses() if not forwards_alone(name)}
    assert routed == set(ACCESS)


@pytest.mark.parametrize("who", ASKING)
@pytest.mark.django_db
def test_only_those_get_in_whom_the_table_names(who: str) -> None:
    of, client = records(), client_of(who)
    wrong = []
    for name, (readers, writers) in ACCESS.items():
        for method, allowed in (("get", readers), ("post", writers)):
            found = gets_in(client, method, address_of(name, of))
            if found != (who in allowed):
                what = {True: "is let in", False: "is kept out", None: "breaks the desk"}[found]
                wrong.append(f"{method.upper()} {name}: {who} {what}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", [ANONYMOUS, OUTSIDER])
@pytest.mark.django_db
def test_who_is_not_staff_learns_nothing_from_addresses_that_only_forward(who: str) -> None:
    client = client_of(who)
    for address in ("/admin/shops/shop/1/", "/admin/nothing/here/"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")


@pytest.mark.django_db
def test_the_queues_own_pages_are_not_routed() -> None:
    client = client_of(SUPERUSER)
    for address in ("/admin/django_rq/dashboard/", "/django-rq/", "/admin/django_rq/dashboard/stats.json"):
        assert client.get(address).status_code == 404


@pytest.mark.django_db
def test_somebody_who_was_made_inactive_is_out_at_once() -> None:
    user = make_user("operator")
    client = Client()
    client.force_login(user)
    user.is_active = False
    user.save()
    assert not gets_in(client, "get", reverse("admin:rules_proposal_changelist"))


@pytest.mark.parametrize("who", ["auditor", "supervisor", SUPERUSER])
@pytest.mark.django_db
def test_nobody_brings_an_old_version_back(who: str) -> None:
    """simple-history's own switch only hides the button; its page would still take the form."""
    alliance, client = Alliance.objects.get(code=DOUYIN), client_of(who)
    alliance.openings_limit = 5
    alliance.save()
    old = alliance.history.last()
    assert old.openings_limit == 3
    answer = client.post(
        reverse("admin:shops_alliance_simple_history", args=[alliance.pk, old.history_id]),
        {
            "code": DOUYIN,
            "name_en": "Douyin",
            "name_zh": "抖音",
            "openings_limit": 3,
            "refile_after_days": 7,
            "category_not_served": "",
        },
    )
    assert answer.status_code == 403
    assert Alliance.objects.get(code=DOUYIN).openings_limit == 5


@pytest.mark.parametrize("action", ["accept_selected", "reject_selected"])
@pytest.mark.parametrize(("who", "decides"), [("auditor", False), ("operator", True)])
@pytest.mark.django_db
def test_deciding_many_takes_the_right_to_decide_one(who: str, decides: bool, action: str) -> None:
    proposal = make_proposal()
    client_of(who).post(
        reverse("admin:rules_proposal_changelist"),
        {
            "action": action,
            "_selected_action": [proposal.pk],
            "decide": "1",
            "reason": "below_bar" if action == "accept_selected" else "recovered",
        },
    )
    proposal.refresh_from_db()
    assert (proposal.status != "open") == decides


@pytest.mark.parametrize("who", ["operator", "rules_editor", "auditor"])
@pytest.mark.django_db
def test_no_record_leads_its_reader_to_a_refusal(who: str) -> None:
    """People, for one, are an administrator's to look at: others read their names."""
    of, client = records(), client_of(who)
    person = make_user("supervisor")
    of["opsdesk_decision"] = review.accept(make_proposal().pk, by=person, reason="below_bar", at=AT)
    of["shops_penalty"] = of["opsdesk_decision"].proposal.penalty
    pages = [
        reverse(f"admin:{model}_{page}", args=[record.pk])
        for model, record in of.items()
        for page in ("change", "history")
        if who in ACCESS[f"{model}_{page}"][0]
    ]
    links = {
        link
        for page in pages
        for link in re.findall(r'href="(/admin/[^"?]*)', client.get(page).content.decode())
    }
    pages_linked = [link for link in links if not link.endswith(("/source/", "/rejected/"))]
    assert [link for link in pages_linked if client.get(link).status_code == 403] == []
    decision = reverse("admin:opsdesk_decision_change", args=[of["opsdesk_decision"].pk])
    assert person.username in client.get(decision).content.decode()
