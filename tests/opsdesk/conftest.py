from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine


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


@pytest.fixture
def two_days_later() -> Iterator[None]:
    """The clock stands two days after the moment of the factories."""
    from tests.factories import AT

    with time_machine.travel(AT + timedelta(days=2), tick=False):
        yield
