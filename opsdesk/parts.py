"""Who had a part in a decision against a shop: none of them speaks for the shop, or judges what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shops.models import Penalty

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Of each part where it stands, from the penalty on. Who judged first stands in the appeal before.
_STANDS_IN = {
    "maker": "imposed_by",
    "approver": "approved_by",
    "proposer": "proposal__filed_by",
    "reporter": "reported_by",
    "confirmer": "confirmed_by",
    "case_maker": "proposal__case__imposed_by",
    "releaser": "proposal__sweep__ruled_by",
}


def parts_of(penalties: Iterable[int]) -> dict[int, dict[str, int | None]]:
    """Who had which part in each of these penalties (their keys), as an appeal names them; the trigger that
    copies them into an appeal has the last word.
    """
    found = Penalty.objects.filter(pk__in=penalties).values_list("pk", "proposal__case", *_STANDS_IN.values())
    names = [f"{part}_id" for part in _STANDS_IN]
    # A case that was proposed to be penalised rests on itself alone.
    return {
        pk: dict(zip(names, people, strict=True)) | ({"case_maker_id": None} if case == pk else {})
        for pk, case, *people in found
    }


def had_a_part(person: User, penalty: Penalty) -> bool:
    """Whether this person had one in the penalty itself."""
    return person.pk in parts_of([penalty.pk])[penalty.pk].values()
