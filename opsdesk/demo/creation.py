"""The whole of it, in order: facts, products, metrics, and what happened on the desk since."""

from __future__ import annotations

from datetime import date
from itertools import chain

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from opsdesk.demo import boundaries, ledger, loading, metrics, population, story
from opsdesk.demo.moments import Past
from opsdesk.demo.products import load_product_metrics, load_products
from shops.errors import Refused
from shops.models import Shop


def create(*, shops: int, products: int, days: int, last_day: date) -> None:
    """Fill an empty desk. The boundary shops are among the `shops`, and are made even where these are fewer.
    So are boundary products, but where no products are asked for.

    Refused where it isn't empty, and in production.
    """
    if not settings.DEBUG:
        raise Refused(_("Demonstration data is for development: DEBUG is off."))
    if Shop.objects.exists():
        raise Refused(_("Demonstration data goes into an empty database: this one holds shops."))
    past = Past(last_day, days)
    bounds = boundaries.boundary(last_day)
    # All facts or none.
    with transaction.atomic(), connection.cursor() as cursor:
        ordinary = population.ordinary(max(0, shops - len(bounds)), last_day)
        loading.load_facts(cursor, chain(bounds, ordinary), past)
        ledger.load_deposits(cursor, past)
        load_products(cursor, products, [*boundaries.boundary_products()], past)
        metrics.load_metrics(cursor, past)
        load_product_metrics(cursor, past)
    story.tell(past, shops)
