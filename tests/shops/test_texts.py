"""Texts are kept as the database can hold them, and read in the reader's own language."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from shops.texts import as_written, in_the_readers_language


@pytest.mark.parametrize(
    ("language", "read"),
    [
        ("zh-hans", "店铺"),
        ("zh-hant", "店铺"),
        ("en", "shop"),
        ("en-gb", "shop"),
        ("fr", "shop"),
        (None, "shop"),
    ],
)
def test_who_reads_chinese_reads_chinese_and_everybody_else_english(language: str | None, read: str) -> None:
    with override(language):
        assert in_the_readers_language("shop", "店铺") == read


@pytest.mark.parametrize(
    ("text", "kept"), [(" as agreed\n", "as agreed"), ("a\x00b", "ab"), ("\x00 \x00", ""), ("一 二", "一 二")]
)
def test_what_is_written_is_kept_without_blanks_around_it_and_without_nul(text: str, kept: str) -> None:
    assert as_written(text) == kept
