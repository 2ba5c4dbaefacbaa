"""What every page of the desk has in common, also when it says no."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.translation import gettext, override
from django.views.defaults import bad_request, server_error

from tests.factories import DOUYIN, make_imposed, make_proposal, make_shop, make_user

CHINESE = {"accept-language": "zh-CN"}


def chinese(text: str) -> str:
    with override("zh-hans"):
        translated = gettext(text)
    assert translated != text
    return translated


def client_of(role: str, **values: object) -> Client:
    client = Client(headers=CHINESE, raise_request_exception=False, **values)
    client.force_login(make_user(role))
    return client


@pytest.mark.parametrize(
    "query",
    ["q=%00", "codes=a%00b", "controller=%00", "rule=%00", "status=%00", "kind__exact=%00", "p=%00"],
)
@pytest.mark.django_db
def test_a_nul_in_the_address_is_400(query: str) -> None:
    client = client_of("operator")
    assert client.get(f"/admin/rules/proposal/?{query}").status_code == 400
    assert client.get(f"/admin/rules/proposal/export/?{query}").status_code == 400


@pytest.mark.django_db
def test_pasted_codes_are_taken_apart_at_a_nul() -> None:
    answer = client_of("operator").post(reverse("admin:rules_proposal_codes"), {"codes": "a\0b"})
    assert answer["Location"].endswith("?codes=a%2Cb")


@pytest.mark.django_db
def test_an_address_that_takes_a_form_alone_says_so_in_words() -> None:
    """Who had to sign in again is led back to where the form was sent."""
    client = client_of("operator")
    for address in (
        reverse("admin:rules_proposal_accept", args=[make_proposal().pk]),
        reverse("admin:check_now", args=[DOUYIN]),
        reverse("admin:rules_proposal_codes"),
        reverse("admin:logout"),
    ):
        answer = client.get(address)
        assert (answer.status_code, answer["Allow"].split(",")[0]) == (405, "POST")
        assert chinese("Nothing was done") in answer.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_token_is_answered_in_the_readers_language() -> None:
    client = client_of("operator", enforce_csrf_checks=True)
    answer = client.post(reverse("admin:check_now", args=[DOUYIN]))
    assert answer.status_code == 403
    assert chinese("This form is out of date") in answer.content.decode()


def test_a_failure_says_so_in_the_readers_language_and_nothing_else() -> None:
    request = RequestFactory().get("/")
    with override("zh-hans"):
        failed = server_error(request)
        refused = bad_request(request, ValueError("the inner workings"))
    assert (failed.status_code, refused.status_code) == (500, 400)
    assert chinese("The desk has failed") in failed.content.decode()
    assert chinese("This can't be understood") in refused.content.decode()
    assert "inner workings" not in refused.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("flag", "word"), [(True, "是"), (False, "否")])
def test_a_flags_sign_has_a_word_in_the_readers_language(flag: bool, word: str) -> None:
    shop = make_shop(account_ok=flag)
    for address in (
        reverse("admin:shops_shop_change", args=[shop.pk]),
        reverse("admin:shops_shop_changelist"),
    ):
        page = client_of("auditor").get(address).content.decode()
        assert f'alt="{word}"' in page
        assert f'alt="{flag}"' not in page


@pytest.mark.django_db
def test_a_form_leads_back_to_its_record_and_to_the_list_of_such() -> None:
    penalty = make_imposed(make_shop())
    page = client_of("supervisor").get(reverse("admin:shops_penalty_overturn", args=[penalty.pk]))
    crumbs = page.content.decode().partition('<div class="breadcrumbs">')[2].partition("</div>")[0]
    assert f'<a href="{reverse("admin:shops_penalty_changelist")}">处罚</a>' in crumbs
    assert f'<a href="{reverse("admin:shops_penalty_change", args=[penalty.pk])}">{penalty}</a>' in crumbs
