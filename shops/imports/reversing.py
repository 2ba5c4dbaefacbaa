"""An applied import of metrics taken back whole: what it corrected is as before, what it brought is gone."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _t

from shops import sql
from shops.errors import Refused
from shops.imports import door
from shops.imports.daily import DAILY
from shops.imports.processing import ONE_OF_A_KIND
from shops.imports.tables import TABLES
from shops.models import Coverage, ImportBatch

REVERSIBLE = frozenset(DAILY)


def refuse_reversal(batch: ImportBatch) -> None:
    """Refused for other kinds than metrics, for what was not applied, and under a later file's rows."""
    if batch.kind not in REVERSIBLE:
        raise Refused(_t("Only imports of metrics can be reversed. Correct the others by another file."))
    if batch.state != ImportBatch.State.APPLIED:
        raise Refused(
            _t("Only an applied import can be reversed: this one is %(state)s.")
            % {"state": batch.get_state_display()}
        )
    # How long arrays are is unknown before they are unfolded: to compare each with each would take hours.
    sql.for_many_rows(batch.rows, any_number=True)
    later = sql.fetch(
        "SELECT DISTINCT later.batch_id FROM shops_coverage mine"
        " JOIN shops_coverage later ON later.day = mine.day AND later.id > mine.id"
        " JOIN shops_importbatch b ON b.id = later.batch_id AND b.state = 'applied' AND b.kind = %s"
        " WHERE mine.batch_id = %s AND EXISTS (SELECT FROM unnest(mine.records) one"
        "  JOIN unnest(later.records) other ON other = one) ORDER BY 1",
        [batch.kind, batch.pk],
    )
    if later:
        numbers = ", ".join(str(number) for (number,) in later)
        raise Refused(
            _t("Later imports speak of the same records on the same day. Reverse them first: %(numbers)s.")
            % {"numbers": numbers}
        )


def take_turns_with(batch_id: int) -> None:
    """Wait until no import of this one's kind is being written; others wait until this transaction ends."""
    kind = ImportBatch.objects.values_list("kind", flat=True).get(pk=batch_id)
    sql.take_turns(ONE_OF_A_KIND, list(TABLES).index(kind))


def take_back(batch_id: int) -> ImportBatch:
    """Undo what the import wrote, and return it, locked and not yet saved as reversed.

    Refused as by `refuse_reversal`. Needs a transaction in which what rests on the import has been seen to.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an import is reversed whole, or not at all")
    take_turns_with(batch_id)
    batch = door.locked(batch_id)
    refuse_reversal(batch)
    daily = DAILY[batch.kind]
    days = [day for day in Coverage.objects.filter(batch=batch).values_list("day", flat=True) if day]
    sql.for_many_rows(batch.rows)
    if daily.corrections.objects.filter(batch=batch).exists():
        sql.execute(
            f"UPDATE {daily.table} m SET {daily.as_before()}, batch_id = c.replaced_batch_id"
            f" FROM {daily.corrections_table} c WHERE c.batch_id = %s AND m.day = c.day"
            f" AND m.{daily.key} = c.{daily.key} AND m.day = ANY(%s)",
            [batch.pk, days],
        )
    # What it corrected carries another import's number again: what is left is what it brought.
    daily.model.objects.filter(day__in=days, batch=batch).delete()
    return batch
