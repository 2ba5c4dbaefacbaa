from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rules.models.rulesets import RuleSet
from shops.models import Alliance, Audited
from shops.models.people import person


class Sweep(Audited):
    """One daily check of one alliance: what was asked for, what came of it."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        HELD = "held", _("held")
        FAILED = "failed", _("failed")
        DROPPED = "dropped", pgettext_lazy("daily check", "dropped")

    # A worker still owes something to these.
    UNFINISHED = frozenset({Status.WAITING, Status.RUNNING})

    alliance = models.ForeignKey(Alliance, models.PROTECT, verbose_name=_("alliance"), related_name="sweeps")
    day = models.DateField(_("day"), help_text=_("The day whose metrics were checked."))
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.WAITING)
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = person(_("requested by"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    seconds = models.DecimalField(_("seconds"), max_digits=10, decimal_places=3, null=True, blank=True)
    admission = models.ForeignKey(
        RuleSet,
        models.PROTECT,
        verbose_name=_("admission rules"),
        null=True,
        blank=True,
        related_name="+",
    )
    clearance = models.ForeignKey(
        RuleSet,
        models.PROTECT,
        verbose_name=_("clearance rules"),
        null=True,
        blank=True,
        related_name="+",
    )
    warning = models.ForeignKey(
        RuleSet,
        models.PROTECT,
        verbose_name=_("warning rules"),
        null=True,
        blank=True,
        related_name="+",
    )
    product_admission = models.ForeignKey(
        RuleSet,
        models.PROTECT,
        verbose_name=_("admission rules of products"),
        null=True,
        blank=True,
        related_name="+",
    )
    product_clearance = models.ForeignKey(
        RuleSet,
        models.PROTECT,
        verbose_name=_("clearance rules of products"),
        null=True,
        blank=True,
        related_name="+",
    )
    observation = models.ForeignKey(
        RuleSet,
        models.PROTECT,
        verbose_name=_("observation rules"),
        null=True,
        blank=True,
        related_name="+",
    )
    day_was_named = models.BooleanField(
        _("day was named"), default=False, help_text=_("A person asked for this very day, however old it is.")
    )
    checked = models.IntegerField(_("checked"), default=0)
    failing = models.IntegerField(_("failing"), default=0)
    no_data = models.IntegerField(_("no data"), default=0)
    filed = models.IntegerField(_("filed"), default=0)
    withdrawn = models.IntegerField(_("withdrawn"), default=0)
    already_open = models.IntegerField(_("already open"), default=0)
    by_kind = models.JSONField(_("filed by kind"), default=dict, blank=True)
    in_shadow = models.JSONField(
        _("only evaluated, by kind"),
        default=dict,
        blank=True,
        help_text=_("What rules in shadow mode would have filed."),
    )
    by_rule = models.JSONField(
        _("outcomes by rule"),
        default=dict,
        blank=True,
        help_text=_("Rule → outcome → subjects."),
    )
    brakes = models.JSONField(
        _("brakes"), default=list, blank=True, help_text=_("Which brakes tripped, with their figures.")
    )
    ruled_at = models.DateTimeField(_("released or dropped at"), null=True, blank=True)
    ruled_by = person(_("released or dropped by"))
    ruling = models.TextField(_("why it was released or dropped"), blank=True)
    failure = models.TextField(_("why it failed"), blank=True)

    class Meta:
        verbose_name = _("daily check")
        verbose_name_plural = _("daily checks")
        ordering = ["-id"]
        permissions = [
            ("run_sweep", _("Can run the daily check")),
            ("release_sweep", _("Can release a held daily check")),
            ("export_sweep", _("Can export daily checks")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alliance"],
                condition=Q(status="running"),
                name="rules_sweep_runs_alone_in_its_alliance",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running"], finished_at=None)
                | (~Q(status__in=["waiting", "running"]) & Q(finished_at__isnull=False)),
                name="rules_sweep_is_finished_exactly_when_it_says_so",
            ),
            models.CheckConstraint(
                condition=Q(ruled_at=None, ruled_by=None, ruling="")
                | Q(ruled_at__isnull=False) & ~Q(ruling=""),
                name="rules_sweep_is_released_or_dropped_with_a_reason",
            ),
        ]
        indexes = [
            # Which day was swept last: the timetable and the home page.
            models.Index(fields=["alliance", "-day"], name="rules_sweep_of_day"),
        ]

    def __str__(self) -> str:
        return f"{self.alliance} · {self.day}"
