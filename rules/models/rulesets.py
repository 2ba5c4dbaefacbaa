from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from shops.models import Alliance, Audited, Ground, Shop


class RuleSet(Audited):
    """A version of the conditions of one alliance for one purpose. Once published it never changes."""

    class Subject(models.TextChoices):
        SHOP = "shop", _("shop")
        PRODUCT = "product", _("product")

    class Purpose(models.TextChoices):
        ADMISSION = "admission", _("admission")
        CLEARANCE = "clearance", _("clearance")

    class Mode(models.TextChoices):
        PROPOSE = "propose", _("propose")
        AUTOMATIC = "automatic", _("automatic")
        SHADOW = "shadow", _("shadow")

    alliance = models.ForeignKey(
        Alliance, models.PROTECT, verbose_name=_("alliance"), related_name="rule_sets"
    )
    subject = models.CharField(_("subject"), max_length=20, choices=Subject.choices, default=Subject.SHOP)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    version = models.PositiveIntegerField(_("version"))
    mode = models.CharField(_("mode"), max_length=20, choices=Mode.choices, default=Mode.PROPOSE)
    in_force_from = models.DateField(_("in force from"), null=True, blank=True)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)

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
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(in_force_from__isnull=False),
                name="rules_ruleset_published_has_a_date_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alliance} · {self.get_purpose_display()} v{self.version}"


class Rule(Audited):
    """One condition, as a row. For admission it must hold; for clearance it fails the shop when it is met."""

    class Operator(models.TextChoices):
        GREATER = ">", ">"
        AT_LEAST = "≥", "≥"
        LESS = "<", "<"
        AT_MOST = "≤", "≤"
        EQUAL = "=", "="
        UNEQUAL = "≠", "≠"

    class Exemption(models.TextChoices):
        NOBODY = "", _("nobody")
        VIRTUAL_GOODS = "virtual_goods", _("shops that sell virtual goods alone")
        NO_SCORE_YET = "no_score_yet", _("shops without a score yet")
        NO_BRAND = "no_brand", _("shops that trade under no brand")

    rule_set = models.ForeignKey(RuleSet, models.CASCADE, verbose_name=_("rule set"), related_name="rules")
    position = models.PositiveSmallIntegerField(_("position"))
    code = models.CharField(_("code"), max_length=20, help_text=_("Stays the same through all versions."))
    sentence_en = models.CharField(_("sentence in English"), max_length=300)
    sentence_zh = models.CharField(_("sentence in Chinese"), max_length=300)
    metric = models.CharField(
        _("metric"), max_length=60, blank=True, help_text=_("Empty: never evaluated by the daily check.")
    )
    operator = models.CharField(
        pgettext_lazy("comparison", "operator"), max_length=2, choices=Operator.choices, blank=True
    )
    value = models.CharField(_("value"), max_length=60, blank=True)
    exemption = models.CharField(
        _("exempt"),
        max_length=20,
        choices=Exemption.choices,
        blank=True,
        default=Exemption.NOBODY,
    )
    advisory = models.BooleanField(
        _("advisory"), default=False, help_text=_("Shown, but neither admits nor clears anyone.")
    )
    ground = models.CharField(_("ground"), max_length=20, choices=Ground.choices, default=Ground.METRIC)
    source = models.CharField(_("source"), max_length=40, help_text=_("Document and clause."))
    reading_en = models.CharField(_("our reading, in English"), max_length=300, blank=True)
    reading_zh = models.CharField(_("our reading, in Chinese"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["rule_set", "position"]
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "code"], name="rules_rule_code_is_used_once"),
            models.CheckConstraint(
                condition=Q(metric="", operator="", value="")
                | (~Q(metric="") & ~Q(operator="") & ~Q(value="")),
                name="rules_rule_is_complete_or_never_evaluated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.sentence}"

    @property
    def sentence(self) -> str:
        """The condition in the reader's language."""
        return self.sentence_zh if (get_language() or "").startswith("zh") else self.sentence_en

    @property
    def reading(self) -> str:
        """How we read the document where it is silent, in the reader's language."""
        return self.reading_zh if (get_language() or "").startswith("zh") else self.reading_en


class ShopExemption(Audited):
    """A supervisor's word that a rule does not count for a shop until a date."""

    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="exemptions")
    alliance = models.ForeignKey(Alliance, models.PROTECT, verbose_name=_("alliance"), related_name="+")
    rule_code = models.CharField(_("rule"), max_length=20)
    until = models.DateField(_("until"), help_text=_("The last day on which it counts."))
    reason = models.TextField(_("reason"))
    granted_at = models.DateTimeField(_("granted at"))

    class Meta:
        verbose_name = _("exemption of a shop")
        verbose_name_plural = _("exemptions of shops")
        ordering = ["-until", "shop"]
        permissions = [
            ("grant_exemption", _("Can exempt a shop from a rule")),
            ("export_shopexemption", _("Can export exemptions of shops")),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="rules_shopexemption_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {self.rule_code}"
