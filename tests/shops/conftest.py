from __future__ import annotations

import pytest


@pytest.fixture
def two_shops(db: None) -> None:
    """S1 and S2."""
    # Here and not above: conftest files are read before the apps are loaded.
    from tests.factories import make_shop

    for code in ("S1", "S2"):
        make_shop(code=code)
