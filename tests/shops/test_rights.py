"""Who asks, and what people call them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.utils.html import escape
from django.utils.translation import override

from shops.rights import name_of


@pytest.mark.parametrize(
    ("person", "english", "chinese"),
    [
        (User(username="u1", first_name="Wei", last_name="<Li>"), "Wei <Li>", "Wei <Li>"),
        (User(username="u1"), "u1", "u1"),
        (None, "the system", "系统"),
    ],
)
def test_a_person_is_called_alike_in_texts_and_on_pages(
    person: User | None, english: str, chinese: str
) -> None:
    page = Template("{% load desk %}{{ who|person }}")
    for language, name in (("en", english), ("zh-hans", chinese)):
        with override(language):
            assert name_of(person) == name
            assert page.render(Context({"who": person})) == escape(name)
