from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from shops.models import Shop


@pytest.fixture
def two_shops(db: None) -> None:
    """S1 and S2."""
    # Here and not above: conftest files are read before the apps are loaded.
    from tests.factories import make_shop

    for code in ("S1", "S2"):
        make_shop(code=code)


@pytest.fixture
def shop(db: None) -> Shop:
    """S1, with 100 yuan in its deposit."""
    from tests.factories import make_shop
    from tests.shops.accounting import paid_in

    shop = make_shop(code="S1")
    paid_in(shop, 100_00)
    return shop
