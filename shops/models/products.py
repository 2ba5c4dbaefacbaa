from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.alliances import Alliance
from shops.models.audited import Audited
from shops.models.batches import ImportBatch
from shops.models.shops import Shop


class Product(Audited):
    """A thing that a shop sells; penalties and proposals can concern it alone. Only imports write it."""

    class Status(models.TextChoices):
        ON_SALE = "on_sale", _("on sale")
        OFF_SALE = "off_sale", _("off sale")

    code = models.CharField(_("code"), max_length=64, unique=True)
    # Never another one: what a product was measured, and what stands against it, would change hands.
    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="products")
    name = models.CharField(_("name"), max_length=200)
    category = models.CharField(_("category"), max_length=60)
    price = models.DecimalField(_("price"), max_digits=14, decimal_places=2, null=True, blank=True)
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, blank=True, help_text=_("Empty: no data.")
    )
    batch = models.ForeignKey(
        ImportBatch,
        models.PROTECT,
        verbose_name=_("import"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["code"]
        permissions = [
            ("import_product", _("Can import products")),
            ("export_product", _("Can export products")),
        ]
        indexes = [
            # Search in the list: Django's icontains compares upper(column).
            GinIndex(OpClass(Upper("code"), "gin_trgm_ops"), name="shops_product_code_search"),
            GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="shops_product_name_search"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Listing(Audited):
    """A product's standing in an alliance: imports write what the platform reports, and the verbs of
    shops.listings what was decided. Whether it is promoted is derived: shops.listings.standing.
    """

    class State(models.TextChoices):
        APPLIED = "applied", _("applied")
        PROMOTED = "promoted", _("promoted")
        OBSERVED = "observed", _("under observation")
        STOPPED = "stopped", _("stopped")

    # The unique key begins with it.
    product = models.ForeignKey(
        Product, models.PROTECT, verbose_name=_("product"), related_name="listings", db_index=False
    )
    # The population's index begins with it.
    alliance = models.ForeignKey(
        Alliance, models.PROTECT, verbose_name=_("alliance"), related_name="listings", db_index=False
    )
    state = models.CharField(_("state"), max_length=20, choices=State.choices)
    since = models.DateField(pgettext_lazy("listing", "since"), null=True, blank=True)
    # Where it is as it is because somebody resumed it: what it had been stopped for may turn out to be wrong.
    resumed_at = models.DateTimeField(_("resumed at"), null=True, blank=True)
    batch = models.ForeignKey(
        ImportBatch,
        models.PROTECT,
        verbose_name=_("import"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        ordering = ["product", "alliance"]
        permissions = [
            ("import_listing", _("Can import listings")),
            ("export_listing", _("Can export listings")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "alliance"], name="shops_listing_is_one_per_product_and_alliance"
            ),
        ]
        indexes = [
            # A daily check reads one alliance's listings by state.
            models.Index(fields=["alliance", "state"], name="shops_listing_population"),
        ]

    def __str__(self) -> str:
        return f"{self.product} · {self.alliance}"
