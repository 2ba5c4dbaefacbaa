from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shops.models.batches import ImportBatch
from shops.models.products import Product
from shops.models.shops import Shop


class ShopMetrics(models.Model):
    """What was measured of a shop on a day. Partitioned by month; a NULL is *no data*, never 0.

    A score that the platform has not given yet (暂无) is NULL with its `…_none` flag set (R9).
    """

    pk = models.CompositePrimaryKey("day", "shop")
    day = models.DateField(_("day"))
    # Without a database constraint: the import joins against shops, and shops are never deleted.
    # Without an index of its own: pages ask for a shop's days by naming them, which the key answers.
    shop = models.ForeignKey(
        Shop,
        models.DO_NOTHING,
        verbose_name=_("shop"),
        related_name="metrics",
        db_constraint=False,
        db_index=False,
    )
    batch = models.ForeignKey(
        ImportBatch,
        models.DO_NOTHING,
        verbose_name=_("import"),
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    gmv_30d = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    paid_orders_30d = models.IntegerField(null=True)
    shop_score = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    shop_score_none = models.BooleanField(db_default=False)
    experience_score = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    experience_score_none = models.BooleanField(db_default=False)
    product_score = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    product_score_none = models.BooleanField(db_default=False)
    service_score = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    service_score_none = models.BooleanField(db_default=False)
    logistics_score = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    logistics_score_none = models.BooleanField(db_default=False)
    positive_rate = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    warehouse_passed = models.BooleanField(null=True)
    alliance_connected = models.BooleanField(null=True)
    erp_connected = models.BooleanField(null=True)
    freight_insurance = models.BooleanField(null=True)
    extra = models.JSONField(db_default=models.Value({}, models.JSONField()))

    class Meta:
        verbose_name = _("shop metrics")
        verbose_name_plural = _("shop metrics")
        permissions = [("export_shopmetrics", _("Can export a day's metrics"))]

    def __str__(self) -> str:
        return f"{self.shop_id} · {self.day}"


class ProductMetrics(models.Model):
    """What was measured of a product on a day. Partitioned by month; a NULL is *no data*, never 0."""

    pk = models.CompositePrimaryKey("day", "product")
    day = models.DateField(_("day"))
    # Neither constrained nor indexed, for the reasons that a shop's metrics have.
    product = models.ForeignKey(
        Product,
        models.DO_NOTHING,
        verbose_name=_("product"),
        related_name="metrics",
        db_constraint=False,
        db_index=False,
    )
    batch = models.ForeignKey(
        ImportBatch,
        models.DO_NOTHING,
        verbose_name=_("import"),
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    settled_orders = models.IntegerField(null=True)
    valid_paid_orders = models.IntegerField(null=True)
    quality_refunds = models.IntegerField(null=True)
    sales_amount = models.DecimalField(max_digits=16, decimal_places=2, null=True)

    class Meta:
        verbose_name = _("product metrics")
        verbose_name_plural = _("product metrics")
        permissions = [("export_productmetrics", _("Can export a day's product metrics"))]

    def __str__(self) -> str:
        return f"{self.product_id} · {self.day}"

    @property
    def quality_refund_rate(self) -> Decimal | None:
        """A share of 1 (WS-O3); None without valid paid orders, and where either number is missing."""
        if self.quality_refunds is None or not self.valid_paid_orders:
            return None
        return Decimal(self.quality_refunds) / self.valid_paid_orders


class Replaced(models.Model):
    """What a later file replaced: the values before, kept for good."""

    day = models.DateField(_("day"))
    before = models.JSONField(_("before"))
    replaced_batch = models.ForeignKey(
        ImportBatch, models.PROTECT, verbose_name=_("import that was corrected"), related_name="+"
    )
    batch = models.ForeignKey(
        ImportBatch, models.PROTECT, verbose_name=_("import that corrected"), related_name="%(class)ss"
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=~Q(batch=models.F("replaced_batch")),
                name="%(app_label)s_%(class)s_comes_from_another_file",
            )
        ]


class Correction(Replaced):
    """What was known of a shop's day before."""

    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="corrections")

    class Meta(Replaced.Meta):
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        indexes = [
            # Which proposals rest on superseded data: looked up by shop and day.
            models.Index(fields=["shop", "day"], name="shops_correction_of_day"),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {self.day}"


class ProductCorrection(Replaced):
    """What was known of a product's day before."""

    # The index of its days begins with it.
    product = models.ForeignKey(
        Product, models.PROTECT, verbose_name=_("product"), related_name="corrections", db_index=False
    )

    class Meta(Replaced.Meta):
        verbose_name = _("correction of a product")
        verbose_name_plural = _("corrections of products")
        indexes = [models.Index(fields=["product", "day"], name="shops_productcorrection_of_day")]

    def __str__(self) -> str:
        return f"{self.product} · {self.day}"


class Coverage(models.Model):
    """Which records an applied file speaks of. What stands is of the latest moment among those that cover it.

    A file brings the columns that it doesn't name as absent; of two that bring the same cell the one of the
    later moment is right, whichever came in first.
    """

    # The unique key begins with it.
    batch = models.ForeignKey(
        ImportBatch, models.PROTECT, verbose_name=_("import"), related_name="coverage", db_index=False
    )
    day = models.DateField(_("day"), null=True, help_text=_("Of metrics."))
    records = ArrayField(models.BigIntegerField(), verbose_name=_("records"))

    class Meta:
        verbose_name = _("coverage")
        verbose_name_plural = _("coverage")
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "day"], nulls_distinct=False, name="shops_coverage_is_told_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} · {self.day or ''}"


class DayProfile(models.Model):
    """What a day's metrics look like as a whole, once an import is applied: by it the next is judged.

    `figures`: metric → {"median": a number as text or null, "missing" and "none_yet": shares of 1,
    "alike": whether all its values are the same}. From a sample where the day has very many rows.
    """

    # The unique key begins with it.
    batch = models.ForeignKey(
        ImportBatch, models.PROTECT, verbose_name=_("import"), related_name="profiles", db_index=False
    )
    day = models.DateField(_("day"))
    rows = models.IntegerField(_("rows"))
    figures = models.JSONField(_("figures"))

    class Meta:
        verbose_name = _("profile of a day")
        verbose_name_plural = _("profiles of days")
        constraints = [models.UniqueConstraint(fields=["batch", "day"], name="shops_dayprofile_is_told_once")]
        indexes = [
            # The newest profiles before a day: what is usual.
            models.Index(fields=["day", "-id"], name="shops_dayprofile_of_day"),
        ]

    def __str__(self) -> str:
        return str(self.day)
