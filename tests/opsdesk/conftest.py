from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def judge(db: None) -> Any:
    """An officer who hears appeals."""
    # Here and not above: conftest files are read before the apps are loaded.
    from tests.factories import make_user

    return make_user("appeals_officer", username="judge")


@pytest.fixture
def supervisor(db: None) -> Any:
    from tests.factories import make_user

    return make_user("supervisor", username="supervisor")
