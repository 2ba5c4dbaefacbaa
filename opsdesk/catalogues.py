"""Message catalogues without gettext's tools: extracted, kept and compiled by Babel, which is pure Python."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation import gettext_lazy, ngettext_lazy
from django.utils.translation.template import templatize

CHECKOUT = Path(__file__).resolve().parent.parent
APPS = ("shops", "rules", "opsdesk")
# English is the source; these are the translations kept.
LOCALES = ("zh_Hans",)

KEYWORDS = {
    **DEFAULT_KEYWORDS,
    # gettext, where `_` is already gettext_lazy.
    "_t": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# Headers that differ with the hour and the tool, or say nothing.
NOISE = (
    '"Project-Id-Version:',
    '"Report-Msgid-Bugs-To:',
    '"POT-Creation-Date:',
    '"PO-Revision-Date:',
    '"Last-Translator:',
    '"Language-Team:',
    '"Generated-By:',
)

# What Django says on the desk's pages and has no Chinese for: marked here, it goes into our catalogue.
BORROWED = (
    gettext_lazy("Add link"),
    gettext_lazy("After you’ve created a user, you’ll be able to edit more user options."),
    gettext_lazy("Change or view list link"),
    gettext_lazy("Error:"),
    gettext_lazy("Model name"),
    gettext_lazy("%(model)s instance with %(field)s %(value)r is not a valid choice."),
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
)


def path_of(app: str, locale: str) -> Path:
    return CHECKOUT / app / "locale" / locale / "LC_MESSAGES" / "django.po"


def extracted(app: str) -> Catalog:
    """Every message that the app's Python and templates mark."""
    catalog = Catalog(project="opsdesk", charset="utf-8")
    home = CHECKOUT / app
    for path in sorted([*home.rglob("*.py"), *home.rglob("*.html"), *home.rglob("*.txt")]):
        inside = path.relative_to(CHECKOUT)
        if "migrations" in inside.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            # Django makes it look like Python, but for the indentation, which the tokenizer would judge.
            text = "\n".join(line.lstrip() for line in templatize(text).splitlines()) + "\n"
        source = io.BytesIO(text.encode())
        found = extract("python", source, KEYWORDS, ["Translators:"], {"encoding": "utf-8"})
        for _line, ids, comments, context in found:
            catalog.add(ids, locations=[(inside.as_posix(), 0)], auto_comments=comments, context=context)
    return catalog


def kept(app: str, locale: str) -> Catalog:
    """The app's translations as they stand in its .po file; empty where there is none."""
    path = path_of(app, locale)
    if not path.exists():
        return Catalog(locale=locale, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def update(app: str, locale: str) -> bool:
    """Bring the .po file in step with the source, keeping translations. Says whether it changed."""
    found = extracted(app)
    if not len(found):
        return False
    catalog = kept(app, locale)
    # Without guesses: a message that changed is a new message.
    catalog.update(found, no_fuzzy_matching=True)
    catalog.header_comment = ""
    catalog.fuzzy = False
    written = io.BytesIO()
    write_po(written, catalog, width=100, sort_output=True, ignore_obsolete=True, include_lineno=False)
    lines = [line for line in written.getvalue().decode().splitlines() if not line.startswith(NOISE)]
    text = "\n".join(lines).strip() + "\n"
    path = path_of(app, locale)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def compile_one(app: str, locale: str) -> bool:
    """Write the .mo file that Django reads, where there is a .po file. Says whether there was."""
    path = path_of(app, locale)
    if not path.exists():
        return False
    unfinished = path.with_suffix(".mo.new")
    with unfinished.open("wb") as file:
        write_mo(file, kept(app, locale))
    unfinished.replace(path.with_suffix(".mo"))
    return True


def gaps(app: str, locale: str) -> Iterator[str]:
    """What keeps the translation from being complete, a line each."""
    catalog = kept(app, locale)
    where = f"{app} {locale}"
    for wanted in extracted(app):
        if not wanted.id:
            continue
        message = catalog.get(wanted.id, wanted.context)
        if message is None:
            yield f"{where}: missing: {_shown(wanted)}"
        elif not all(message.string if isinstance(message.string, (list, tuple)) else [message.string]):
            yield f"{where}: untranslated: {_shown(wanted)}"
        elif message.fuzzy:
            yield f"{where}: fuzzy: {_shown(wanted)}"
        else:
            for error in message.check(catalog):
                yield f"{where}: {error}: {_shown(wanted)}"


def _shown(message: Message) -> str:
    first = message.id if isinstance(message.id, str) else message.id[0]
    places = ", ".join(sorted({path for path, _line in message.locations}))
    return f"{first!r} ({places})"
