from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rules.models.rulesets import RuleSet
from shops.models import Product, Shop
from shops.models.people import person


class Simulation(models.Model):
    """What a rule set would do to the whole population on a day, beside the version in force then.

    A computation, not a decision: it has no history, and a publication quotes it by `digest`, that of the
    rules as they were (rules.publishing.digest_of). `result`:
    {"inside", "candidates": shops, "now" | "draft": {"clear", "admit", "warn", "no_data": shops},
    "rules": [{"code", "now", "draft": shops that fail}], "totals": [{"change", "shops", "gmv"}],
    "breakdown": {"rule" | "category" | "shop_type": [{"name", "change", "shops", "gmv"}]},
    "distributions": [{"metric", "edges", "shops", "missing", "now" | "draft": [{"code", "operator", "at"}]}],
    "days": [{"day", "now", "draft": shops to clear}], "flapping": {"now", "draft": shops}}.
    Of products' rules the sides are {"stop", "observe", "admit", "resume", "no_data": products}, "products"
    stands in the place of "shops", "sales" (of the day) in that of "gmv", and no earlier days are told.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    UNFINISHED = frozenset({Status.WAITING, Status.RUNNING})

    rule_set = models.ForeignKey(
        RuleSet, models.CASCADE, verbose_name=_("rule set"), related_name="simulations"
    )
    day = models.DateField(_("day"))
    days_back = models.PositiveSmallIntegerField(
        _("days before it"), default=0, help_text=_("How many earlier days are looked at as well.")
    )
    against = models.ForeignKey(
        RuleSet,
        models.PROTECT,
        verbose_name=_("beside"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The version in force on that day."),
    )
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.WAITING)
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = person(_("requested by"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    done = models.FloatField(_("progress"), default=0, help_text=_("A share of 1."))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    seconds = models.DecimalField(_("seconds"), max_digits=10, decimal_places=3, null=True, blank=True)
    digest = models.CharField(_("digest of the rules"), max_length=64, blank=True)
    checked = models.IntegerField(_("checked"), default=0)
    result = models.JSONField(_("result"), default=dict, blank=True)
    failure = models.TextField(_("why it failed"), blank=True)

    class Meta:
        verbose_name = _("simulation")
        verbose_name_plural = _("simulations")
        ordering = ["-id"]
        permissions = [
            ("run_simulation", _("Can simulate rule sets")),
            ("export_simulation", _("Can export simulations")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running"], finished_at=None)
                | (~Q(status__in=["waiting", "running"]) & Q(finished_at__isnull=False)),
                name="rules_simulation_is_finished_exactly_when_it_says_so",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_set} · {self.day}"


class SimulatedChange(models.Model):
    """A shop, or one of its products, for which a simulated rule set would make a difference.

    Written once, by the simulation.
    """

    class Change(models.TextChoices):
        NEWLY_OUT = "newly_out", _("newly put out")
        RESCUED = "rescued", _("rescued")
        NEWLY_IN = "newly_in", _("newly let in")
        KEPT_OUT = "kept_out", _("no longer let in")
        NEWLY_STOPPED = "newly_stopped", _("newly stopped")
        NEWLY_OBSERVED = "newly_observed", _("newly put under observation")
        WARNED = "warned", _("moved into the warning band")
        NO_DATA = "no_data", _("without data")

    # What can change for whom, in the order in which it is told.
    OF_SHOPS = (
        Change.NEWLY_OUT,
        Change.RESCUED,
        Change.NEWLY_IN,
        Change.KEPT_OUT,
        Change.WARNED,
        Change.NO_DATA,
    )
    OF_PRODUCTS = (
        Change.NEWLY_STOPPED,
        Change.NEWLY_OBSERVED,
        Change.RESCUED,
        Change.NEWLY_IN,
        Change.KEPT_OUT,
        Change.NO_DATA,
    )

    # The list's index begins with it.
    simulation = models.ForeignKey(
        Simulation, models.CASCADE, verbose_name=_("simulation"), related_name="changes", db_index=False
    )
    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="+", db_index=False)
    product = models.ForeignKey(
        Product,
        models.PROTECT,
        verbose_name=_("product"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    change = models.CharField(_("change"), max_length=20, choices=Change.choices)
    rules = ArrayField(models.CharField(max_length=20), verbose_name=_("rules"), default=list)
    gmv_30d = models.DecimalField(_("30-day sales"), max_digits=16, decimal_places=2, null=True)
    sales = models.DecimalField(
        _("sales of the day"), max_digits=16, decimal_places=2, null=True, help_text=_("Of a product.")
    )

    class Meta:
        verbose_name = _("simulated change")
        verbose_name_plural = _("simulated changes")
        ordering = ["simulation", "change", "shop"]
        permissions = [("export_simulatedchange", _("Can export simulated changes"))]
        constraints = [
            models.UniqueConstraint(
                fields=["simulation", "change", "shop", "product"],
                nulls_distinct=False,
                name="rules_simulatedchange_is_told_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product or self.shop} · {self.get_change_display()}"
