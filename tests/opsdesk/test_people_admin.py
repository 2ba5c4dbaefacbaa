"""An administrator gives roles to others, never to himself, and never what no role has."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from opsdesk.roles import ROLES
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator() -> User:
    return make_user("administrator", username="administrator")


@pytest.fixture
def desk(administrator: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(administrator)
    return client


def change(person: User) -> str:
    return reverse("admin:auth_user_change", args=[person.pk])


def fields(person: User, **more) -> dict:
    """The form as the browser sends it."""
    groups = [str(pk) for pk in person.groups.values_list("pk", flat=True)]
    return {"username": person.username, "is_active": "on", "is_staff": "on", "groups": groups, **more}


def group(key: str) -> str:
    return str(Group.objects.get(name=key).pk)


def test_an_administrator_adds_a_person_with_a_role(desk: Client) -> None:
    data = {
        "username": "li",
        "usable_password": "true",
        "password1": "a long enough secret",
        "password2": "a long enough secret",
        "is_staff": "on",
        "groups": [group("operator")],
    }
    assert desk.post(reverse("admin:auth_user_add"), data).status_code == 302
    person = User.objects.get(username="li")
    assert person.has_perm("rules.decide_proposal")
    assert not person.is_superuser


def test_an_administrator_changes_the_role_of_another(desk: Client) -> None:
    person = make_user("operator")
    assert desk.post(change(person), fields(person, groups=[group("auditor")])).status_code == 302
    assert [role.name for role in person.groups.all()] == ["auditor"]


def test_nobody_gives_himself_a_role(desk: Client, administrator: User) -> None:
    desk.post(change(administrator), fields(administrator, groups=[group("supervisor")], is_superuser="on"))
    administrator = User.objects.get(pk=administrator.pk)
    assert [role.name for role in administrator.groups.all()] == ["administrator"]
    assert not administrator.is_superuser


def test_fields_added_to_the_form_do_nothing(desk: Client) -> None:
    person = make_user("operator")
    held = Permission.objects.get(codename="publish_ruleset")
    extra = {"is_superuser": "on", "user_permissions": [str(held.pk)]}
    assert desk.post(change(person), fields(person, **extra)).status_code == 302
    person = User.objects.get(pk=person.pk)
    assert not person.is_superuser
    assert not person.user_permissions.exists()


def test_the_form_shows_neither_superuser_nor_single_permissions(desk: Client) -> None:
    page = desk.get(change(make_user("operator"))).content.decode()
    assert "id_groups" in page
    assert "is_superuser" not in page
    assert "user_permissions" not in page


def test_a_superuser_is_out_of_an_administrators_reach(desk: Client) -> None:
    root = User.objects.create_superuser("root", password="before")
    assert desk.post(change(root), fields(root, is_active="")).status_code == 403
    address = reverse("admin:auth_user_password_change", args=[root.pk])
    secret = "another long secret"
    assert desk.post(address, {"password1": secret, "password2": secret}).status_code == 403
    assert User.objects.get(pk=root.pk).check_password("before")


def test_people_are_made_inactive_and_never_deleted(desk: Client) -> None:
    person = make_user("operator")
    assert desk.post(reverse("admin:auth_user_delete", args=[person.pk]), {"post": "yes"}).status_code == 403
    data = fields(person)
    del data["is_active"]
    desk.post(change(person), data)
    assert not User.objects.get(pk=person.pk).is_active


def test_roles_are_read_and_not_edited(desk: Client) -> None:
    operator = Group.objects.get(name="operator")
    address = reverse("admin:auth_group_change", args=[operator.pk])
    assert "rules.decide_proposal" in desk.get(address).content.decode()
    assert desk.post(address, {"name": "operator", "permissions": []}).status_code == 403
    assert desk.get(reverse("admin:auth_group_add")).status_code == 403
    assert operator.permissions.exists()


def test_each_role_is_shown_by_its_name(desk: Client) -> None:
    page = desk.get(reverse("admin:auth_group_changelist")).content.decode()
    for role in ROLES.values():
        assert str(role.name) in page


def test_only_a_superuser_makes_superusers() -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create_superuser("root"))
    person = make_user("operator")
    client.post(change(person), fields(person, is_superuser="on"))
    assert User.objects.get(pk=person.pk).is_superuser


def test_the_list_of_people_asks_no_more_for_many(desk: Client, django_assert_max_num_queries) -> None:
    for _number in range(20):
        make_user("operator")
    with django_assert_max_num_queries(9):
        desk.get(reverse("admin:auth_user_changelist"))


def test_what_a_new_password_may_be_is_said_in_chinese(administrator: User) -> None:
    """Django puts its own text together when it's imported, in English for everybody."""
    client = Client(headers={"accept-language": "zh-CN"})
    client.force_login(administrator)
    address = reverse(
        "admin:auth_user_password_change", args=[make_user("operator", password="a long one").pk]
    )
    page = client.get(address).content.decode()
    assert "用户是否能够使用密码进行认证" in page
    assert "Whether the user" not in page
    assert "角色" in client.get(reverse("admin:auth_group_changelist")).context["title"]
