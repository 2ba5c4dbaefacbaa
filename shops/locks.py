"""Whose rows a verb holds before it changes what a shop may do, in the order in which everybody does.

Shops by their keys, then the enrollments of the one that is meant, then whatever else: who goes another way
may wait for somebody who waits for him.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from shops.models import Enrollment, Penalty, Shop


def lock_standing(shop: Shop, *others: int) -> None:
    """Hold the shop's row and those of its enrollments until the transaction ends; and before them, as what
    bars it bars these as well (R6), its controller's other shops.

    `others`: shops, by their keys, whose standing will be changed as well: held with it, and all their
    controllers' shops. Who comes to them only later would wait for somebody who waits for him.
    """
    concerned = {shop.pk, *others}
    while not _is_held(concerned | _of_their_controllers(concerned), concerned):
        # Somebody changed hands while his rows were waited for: from the beginning, in the same order.
        continue
    list(Enrollment.objects.select_for_update(no_key=True).filter(shop=shop).order_by("pk"))


def lock(penalty: Penalty) -> None:
    """Hold the shop's rows, then the penalty's, which is read afresh."""
    lock_standing(penalty.shop)
    penalty.refresh_from_db(from_queryset=Penalty.objects.select_for_update(no_key=True))


def _is_held(family: set[int], concerned: Iterable[int]) -> bool:
    """Hold these shops, and say whether they are still all that the concerned ones' controllers have; where
    they aren't, none of them stays held by this.
    """
    with transaction.atomic():
        shops = Shop.objects.select_for_update(no_key=True).filter(pk__in=family).order_by("pk")
        list(shops.values_list("pk"))
        whole = _of_their_controllers(concerned) <= family
        transaction.set_rollback(not whole)
    return whole


def _of_their_controllers(concerned: Iterable[int]) -> set[int]:
    # As it is now: a shop may have changed hands since somebody read it.
    controllers = Shop.objects.filter(pk__in=concerned).values("controller")
    return set(Shop.objects.filter(controller__in=controllers).values_list("pk", flat=True))
