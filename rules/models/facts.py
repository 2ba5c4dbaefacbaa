from __future__ import annotations

from django.db import models

from shops.models import Shop


class Fact(models.Model):
    """A derived fact about a shop, worked out anew for each evaluation into a temporary table (rules.facts).

    Sparse: only shops that have something to tell stand in it. `key` is a metric of rules.metrics or one
    of the marks that rules.evaluation reads.
    """

    pk = models.CompositePrimaryKey("key", "shop")
    key = models.CharField(max_length=60)
    shop = models.ForeignKey(Shop, models.DO_NOTHING, related_name="facts", db_constraint=False)
    # Counts are whole, amounts have two decimals.
    value = models.DecimalField(max_digits=20, decimal_places=2, null=True)

    class Meta:
        managed = False
        db_table = "rules_fact"

    def __str__(self) -> str:
        return f"{self.key} · {self.shop_id}"
