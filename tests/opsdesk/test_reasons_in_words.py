"""Every reason that the product's own code writes into histories has words that people read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.utils.translation import override

from shops import reasons
from shops.admin import readonly

ROOT = Path(__file__).parents[2]
SAVING = {"save_by", "delete_by"}
# Of what has no history page.
UNSHOWN = {"evidence added", "evidence assigned", "evidence struck", "retired"}


def texts_of(said: ast.expr) -> Iterator[str]:
    """What an argument can be that is written there: as a template, with {} for what varies."""
    if isinstance(said, ast.Constant) and isinstance(said.value, str) and said.value:
        yield said.value
    elif isinstance(said, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in said.values)
    elif isinstance(said, (ast.BoolOp, ast.IfExp)):
        for part in said.values if isinstance(said, ast.BoolOp) else (said.body, said.orelse):
            yield from texts_of(part)


def written() -> set[str]:
    found = set()
    for app in ("shops", "rules", "opsdesk"):
        for path in (ROOT / app).rglob("*.py"):
            # What the demonstration's people say is theirs.
            if {"migrations", "demo"} & {*path.parts}:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                said = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
                if getattr(node.func, "attr", "") in SAVING:
                    said += node.args[1:2]
                found |= {text for one in said for text in texts_of(one)}
    return found - UNSHOWN


WRITTEN = written()


def known() -> dict[str, object]:
    pages = [page for page in admin.site._registry.values() if isinstance(page, readonly.ReadOnlyAdmin)]
    words = dict(reasons.WRITTEN)
    for page in pages:
        words |= page.history_reasons
    return words


def test_the_code_is_read_for_what_it_writes() -> None:
    assert {"undone", "appeal {}", "stayed: {}", "recovered on {}", "promoted"} <= WRITTEN


@pytest.mark.parametrize("text", sorted(WRITTEN))
def test_a_reason_that_is_written_by_code_has_words_in_both_languages(text: str) -> None:
    like = re.escape(text).replace(r"\{\}", ".+")
    matching = [words for code, words in known().items() if re.fullmatch(like, code)]
    assert matching
    for words in matching:
        with override("zh-hans"):
            assert not re.search("[A-Za-z]{2}", str(words).replace("%(what)s", "").replace("%(why)s", ""))
