"""People at the desk, as Django's test client has them."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_user


def signed_in(user: User, language: str = "en") -> Client:
    """The client of this person, who reads that language."""
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def client_of(role: str | None = "operator", language: str = "en", **values: object) -> Client:
    """The client of somebody new with this role."""
    return signed_in(make_user(role, **values), language)
