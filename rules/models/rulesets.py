from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from shops.models import Alliance, Audited
from shops.models.people import person


class RuleSet(Audited):
    """A version of the conditions of one alliance for one purpose. Once published it never changes.

    Draft, submitted with a simulation, published by a second person; in force from its day until that of the
    next version, or until it is retired.
    """

    class Subject(models.TextChoices):
        SHOP = "shop", _("shop")
        PRODUCT = "product", _("product")

    class Purpose(models.TextChoices):
        ADMISSION = "admission", _("admission")
        CLEARANCE = "clearance", _("clearance")
        WARNING = "warning", _("warning")
        OBSERVATION = "observation", _("observation")

    class Mode(models.TextChoices):
        PROPOSE = "propose", _("propose")
        AUTOMATIC = "automatic", _("automatic")
        SHADOW = "shadow", _("shadow")

    # What can be said of whom.
    PURPOSES = {
        Subject.SHOP: (Purpose.ADMISSION, Purpose.CLEARANCE, Purpose.WARNING),
        Subject.PRODUCT: (Purpose.ADMISSION, Purpose.CLEARANCE, Purpose.OBSERVATION),
    }

    alliance = models.ForeignKey(
        Alliance, models.PROTECT, verbose_name=_("alliance"), related_name="rule_sets"
    )
    subject = models.CharField(_("subject"), max_length=20, choices=Subject.choices, default=Subject.SHOP)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    version = models.PositiveIntegerField(_("version"))
    mode = models.CharField(_("mode"), max_length=20, choices=Mode.choices, default=Mode.PROPOSE)
    note = models.TextField(_("why this version"), blank=True)
    based_on = models.ForeignKey(
        "self", models.PROTECT, verbose_name=_("drafted from"), null=True, blank=True, related_name="+"
    )
    drafted_by = person(_("drafted by"))
    drafted_at = models.DateTimeField(_("drafted at"), null=True, blank=True)
    submitted_at = models.DateTimeField(_("submitted at"), null=True, blank=True)
    submitted_by = person(_("submitted by"))
    simulation = models.ForeignKey(
        "rules.Simulation",
        models.PROTECT,
        verbose_name=_("simulation"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("What it was submitted with."),
    )
    in_force_from = models.DateField(_("in force from"), null=True, blank=True)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    published_by = person(_("published by"))
    short_notice_reason = models.TextField(_("why at shorter notice"), blank=True)

    class Meta:
        verbose_name = _("rule set")
        verbose_name_plural = _("rule sets")
        ordering = ["alliance", "subject", "purpose", "-version"]
        permissions = [
            ("publish_ruleset", _("Can publish rule sets")),
            ("export_ruleset", _("Can export rule sets")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alliance", "subject", "purpose", "version"],
                name="rules_ruleset_version_is_used_once",
            ),
            models.UniqueConstraint(
                fields=["alliance", "subject", "purpose"],
                condition=Q(published_at=None),
                name="rules_ruleset_one_draft_is_open_at_a_time",
                violation_error_message=_("Another draft for this is open already."),
            ),
            models.CheckConstraint(
                condition=Q(subject="shop", purpose__in=["admission", "clearance", "warning"])
                | Q(subject="product", purpose__in=["admission", "clearance", "observation"]),
                name="rules_ruleset_purpose_fits_its_subject",
            ),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(in_force_from__isnull=False),
                name="rules_ruleset_published_has_a_date_in_force",
            ),
            models.CheckConstraint(
                condition=Q(submitted_at=None, submitted_by=None, simulation=None)
                | Q(submitted_at__isnull=False, submitted_by__isnull=False, simulation__isnull=False),
                name="rules_ruleset_is_submitted_with_a_simulation",
            ),
            # Those that every installation has were published by nobody here.
            models.CheckConstraint(
                condition=Q(published_by=None)
                | Q(published_at__isnull=False, submitted_at__isnull=False)
                & ~Q(published_by=F("submitted_by"))
                & ~Q(published_by=F("drafted_by")),
                name="rules_ruleset_is_published_by_a_second_person",
            ),
        ]

    @property
    def open(self) -> bool:
        """Whether its rules may still change."""
        return self.published_at is None and self.submitted_at is None

    def __str__(self) -> str:
        subject = f"{self.get_subject_display()} · " if self.subject == self.Subject.PRODUCT else ""
        return f"{self.alliance} · {subject}{self.get_purpose_display()} v{self.version}"


class Retirement(Audited):
    """From a day on a published version is in force no longer, and none before it comes back."""

    rule_set = models.OneToOneField(
        RuleSet, models.PROTECT, verbose_name=_("rule set"), related_name="retirement"
    )
    day = models.DateField(_("from"))
    reason = models.TextField(_("reason"))
    retired_at = models.DateTimeField(_("retired at"))
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("retired by"), related_name="+"
    )

    class Meta:
        verbose_name = _("retirement of a rule set")
        verbose_name_plural = _("retirements of rule sets")
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="rules_retirement_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_set} · {self.day}"
