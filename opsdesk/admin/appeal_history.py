"""What became of an appeal, in the words of its history page."""

from __future__ import annotations

from typing import Any

from simple_history.models import ModelChange

from opsdesk import caseload, remainders
from opsdesk.models import Appeal
from shops.admin.cells import NOTHING
from shops.admin.readonly import Changes
from shops.models import Measure


class AppealChanges(Changes):
    """What an appeal names by keys, as people call it."""

    def prepare_delta_change_value(self, change: ModelChange, value: Any) -> Any:
        if change.field == "taken_back":
            named = Measure.objects.filter(pk__in=value).order_by("pk")
            return "; ".join(str(measure.get_kind_display()) for measure in named) or NOTHING
        if change.field == "not_restored":
            return "; ".join(remainders.told(value)) or NOTHING
        if change.field == "lessened":
            lines = caseload.lessened_by(Appeal(lessened=value))
            return "; ".join(f"{kind}: {before} → {after}" for kind, before, after in lines) or NOTHING
        return super().prepare_delta_change_value(change, value)
