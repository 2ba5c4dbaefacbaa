"""A draft of the first rules, and the two people that its publication takes."""

from __future__ import annotations

from typing import Any

import pytest

# Imported in the fixtures and not here: conftest files are read before the apps are loaded.


@pytest.fixture
def editor(db: None) -> Any:
    from tests.factories import make_user

    return make_user("rules_editor", username="the-editor")


@pytest.fixture
def supervisor(db: None) -> Any:
    from tests.factories import make_user

    return make_user("supervisor")


@pytest.fixture
def alliance(db: None) -> Any:
    from shops.models import Alliance
    from tests.factories import DOUYIN

    return Alliance.objects.get(code=DOUYIN)


@pytest.fixture
def draft(editor: Any, alliance: Any) -> Any:
    """Version 2: DF-A5 asks for at least 4.2 instead of more than 4.1."""
    from rules import drafts
    from rules.models import RuleSet
    from tests.factories import AT

    first = RuleSet.objects.get(alliance=alliance, purpose="admission", version=1)
    draft = drafts.draft_from(first, by=editor, at=AT)
    rule = draft.rules.get(code="DF-A5")
    rule.operator, rule.value = "≥", "4.2"
    drafts.edit_rule(rule, by=editor)
    return draft


@pytest.fixture
def submitted(draft: Any, editor: Any) -> Any:
    from rules import publishing
    from tests.factories import AT, make_simulation

    publishing.submit(draft, make_simulation(draft), by=editor, at=AT)
    return draft
