"""What a notice of a ruling says to the shop: line by line, like that of the decision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from opsdesk import remainders
from opsdesk.caseload import effects_of, lessened_by
from opsdesk.deadlines import said
from opsdesk.models import Appeal, AppealTerms
from opsdesk.wording import how_to_file

_OUTCOMES: dict[str, str | Promise] = {
    Appeal.State.GRANTED: gettext_lazy("The appeal is granted: the decision is overturned."),
    Appeal.State.GRANTED_IN_PART: gettext_lazy(
        "The appeal is granted in part: what is named below is taken back or lessened, and the rest of the"
        " decision stands."
    ),
    Appeal.State.DENIED: gettext_lazy("The appeal is denied: the decision stands."),
}


def text_of(appeal: Appeal, terms: AppealTerms, language: str, at: datetime) -> list[list[str]]:
    """The notice of an appeal that was ruled on, in that language, as everything stands at that moment."""
    with override(language):
        return [[label, said_of] for label, said_of in _lines(appeal, terms, at) if said_of]


def _lines(appeal: Appeal, terms: AppealTerms, at: datetime) -> Iterator[tuple[str, str]]:
    assert appeal.decided_at is not None
    penalty, effects = appeal.penalty, effects_of(appeal.penalty, at)
    yield _("Appeal"), f"{appeal.number} · {appeal.get_level_display()}"
    yield _("Case"), penalty.case_number
    yield _("Shop"), str(penalty.shop)
    if penalty.product is not None:
        yield _("Product"), str(penalty.product)
    yield _("Alliance"), str(penalty.alliance or _("the platform"))
    yield _("Ruling"), str(_OUTCOMES[appeal.state])
    yield _("Ruled on"), said(appeal.decided_at)
    yield _("Reasons"), appeal.ruling
    yield _("Taken back"), "\n".join(one.told for one in effects if one.measure.pk in appeal.taken_back)
    yield _("Lessened"), "\n".join(f"{kind}: {was} → {now}" for kind, was, now in lessened_by(appeal))
    yield _("Not as before"), "\n".join(remainders.told(appeal.not_restored))
    yield _("Another appeal"), "\n".join(_another(appeal, terms))


def _another(appeal: Appeal, terms: AppealTerms) -> Iterator[str]:
    """How and until when the shop may go to the next level, or that it can't."""
    if appeal.state == Appeal.State.GRANTED:
        yield _("Nothing of the decision is left to appeal against.")
    elif appeal.next_until is None:
        yield _("This ruling is final: no further appeal is provided.")
    else:
        yield _("A second appeal can be filed until %(until)s, counted from this ruling.") % {
            "until": said(appeal.next_until)
        }
        yield from how_to_file(terms)
        yield _("Somebody who had no part in the decision or in this ruling hears it.")
