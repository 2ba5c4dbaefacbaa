"""The desk's own numbers, as people quote them."""

from __future__ import annotations

import pytest

from shops.quoting import number_in


@pytest.mark.parametrize("text", ["P00000086", "p86", " P00000086 ", "Ｐ００００００８６", "ｐ86"])
def test_a_case_is_known_by_its_number_however_it_is_written(text: str) -> None:
    assert number_in(text, "P") == 86


@pytest.mark.parametrize(
    "text", ["", "P", "86", "A00000086", "P86-1", "P8 6", "P+86", f"P{'9' * 19}", "P八六"]
)
def test_what_is_no_number_of_a_case_is_none(text: str) -> None:
    assert number_in(text, "P") is None
