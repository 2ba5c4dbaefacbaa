"""What an entry of the catalogue has said so far: its versions, as people number them and as each stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.expressions import Combinable
from django.utils.translation import gettext as _

from shops.models import DefaultMeasure, Penalty, Violation

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True)
class Version:
    """An entry as it stood: a row of its history, with the measures that went with it.

    `number`: how many there were with it.
    """

    number: int
    since: datetime
    by: User | None
    reason: str
    violation: Violation
    measures: Sequence[DefaultMeasure]


def version_number(entry: str, version: str) -> Combinable:
    """How people number the version of an entry: by how many there were of it with this one.

    Of a query, in which `entry` leads to the key of the entry and `version` to that of the version. None
    where there is none.
    """
    with_it = Violation.history.filter(id=OuterRef(entry), history_id__lte=OuterRef(version)).order_by()
    return Subquery(with_it.values("id").annotate(number=Count("*")).values("number"))


def number_of(version: int) -> int:
    """The same of one version, by its key."""
    own = Violation.history.filter(history_id=version)
    return own.values_list(version_number("id", "history_id"), flat=True).get()


def told_version(penalty: Penalty) -> str:
    """The version of the catalogue's entry under which the penalty was imposed; empty without one."""
    if penalty.violation is None or penalty.violation_version is None:
        return ""
    return _("version %(number)s of %(entry)s") % {
        "number": number_of(penalty.violation_version),
        "entry": penalty.violation.code,
    }


def versions_of(violation: Violation) -> list[Version]:
    """All that an entry has said, the newest first."""
    measures = list(
        DefaultMeasure.history.filter(violation_id=violation.pk).order_by("history_date", "history_id")
    )
    rows = Violation.history.filter(id=violation.pk).select_related("history_user")
    rows = rows.annotate(number=version_number("id", "history_id"))
    found: list[Version] = []
    # An entry's measures are written after it: to a version belongs what was written before the next one.
    until = None
    for row in rows.order_by("-history_date", "-history_id"):
        found.append(
            Version(
                number=row.number,
                since=row.history_date,
                by=row.history_user,
                reason=row.history_change_reason or "",
                violation=row.instance,
                measures=_standing(measures, until),
            )
        )
        until = row.history_date
    return found


def _standing(rows: Sequence[Any], until: datetime | None) -> list[DefaultMeasure]:
    """The measures of history `rows`, oldest first, as they stood just before that moment, in their order."""
    newest = {row.id: row for row in rows if until is None or row.history_date < until}
    standing = [row.instance for row in newest.values() if row.history_type != "-"]
    return sorted(standing, key=lambda measure: (measure.from_case, measure.position, measure.pk))
