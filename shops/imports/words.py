"""A cell that is kept, told in the reader's words."""

from __future__ import annotations

from django.utils.translation import gettext as _t
from django.utils.translation import pgettext

from shops.imports.columns import Type
from shops.imports.tables import TABLES
from shops.models import ImportBatch
from shops.texts import in_the_readers_language


def told(kind: str, column: str, text: str | None) -> str | None:
    """A cell that is kept as `text`, in the reader's words: choices, flags and a score not given yet.

    `column`: its name, not a header. What has no other words, and what is of no column of the kind, stays
    as it is; so does None. Of a declared metric's column its text tells the type.
    """
    known = {known.name: known for known in TABLES[kind].columns}.get(column)
    if text is None:
        return None
    if known is None:
        words = {"true": _t("yes"), "false": _t("no"), "none": pgettext("score", "none")}
        return words.get(text, text) if kind == ImportBatch.Kind.METRICS else text
    if known.type is Type.FLAG:
        return {"true": _t("yes"), "false": _t("no")}.get(text, text)
    if known.type is Type.SCORE and text == "none":
        return pgettext("score", "none")
    # In English files a choice is written as it is kept.
    return in_the_readers_language(text, known.words[text][0]) if text in known.words else text
