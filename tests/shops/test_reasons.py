"""Why a record was changed is told in the reader's language where the desk itself says so."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from shops.reasons import WRITTEN, told


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("cleared", "已清退"),
        ("confirmed", "已确认"),
        ("called off", "已取消"),
        ("demonstration", "演示数据"),
        ("import 17", "导入批次 17"),
        ("imports 17", "imports 17"),
        ("店铺来函申请退出", "店铺来函申请退出"),
        (None, ""),
    ],
)
def test_what_the_verbs_wrote_as_a_reason_is_told_in_the_readers_language(
    reason: str | None, words: str
) -> None:
    with override("zh-hans"):
        assert told(reason, WRITTEN) == words
