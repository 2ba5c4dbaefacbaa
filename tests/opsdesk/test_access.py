"""Every address × every role × reading and writing, against the table below.

The addresses are found by walking the URL patterns: a new one without a row here fails, and so does a row
whose address is gone. A cell names who gets in: is neither sent to the sign-in nor answered 403, 404 or 405.
"""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from opsdesk import review
from opsdesk.roles import ROLES
from shops.models import Alliance
from tests.factories import AT, DOUYIN, make_proposal, make_user
from tests.opsdesk.addresses import address_of, addresses, forwards_alone, records

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
    "shops_penalty_keep": (JUDGES, JUDGES),
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
    "shops_shop_story": (READERS, READERS),
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
    **record("opsdesk_execution", READERS),
    "opsdesk_execution_record": (OPERATORS, OPERATORS),
    "opsdesk_execution_pause": (OPERATORS, OPERATORS),
    "opsdesk_execution_take_back": (OPERATORS, OPERATORS),
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
    "opsdesk_evidence_item": (OFFICERS, OFFICERS),
    "opsdesk_appeal_stay": (SUPERVISORS, SUPERVISORS),
    "opsdesk_appeal_unstay": (SUPERVISORS, SUPERVISORS),
    **record(
        "auth_user", ADMINISTRATORS, add=ADMINISTRATORS, change=ADMINISTRATORS, export=NOBODY, versions=False
    ),
    "auth_user_password_change": (ADMINISTRATORS, ADMINISTRATORS),
    **record("auth_group", ADMINISTRATORS, export=NOBODY, versions=False),
}


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
