from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rules.models.rulesets import RuleSet
from shops.models import Audited, Ground, Shop
from shops.texts import in_the_readers_language


class Condition(Audited):
    """A metric, how it is compared, and with what.

    `value` is read as the metric's kind says; of "in" it is a list with commas. `upper`: the upper end of
    "between", whose ends are both in. Of a metric that knows "none yet" that is what "is not known" means:
    a figure that was not imported is no data, for "is known" as well (R9).
    """

    class Operator(models.TextChoices):
        GREATER = ">", ">"
        AT_LEAST = "≥", "≥"
        LESS = "<", "<"
        AT_MOST = "≤", "≤"
        EQUAL = "=", "="
        UNEQUAL = "≠", "≠"
        IN = "in", pgettext_lazy("comparison", "is one of")
        BETWEEN = "between", pgettext_lazy("comparison", "is between")
        KNOWN = "known", pgettext_lazy("comparison", "is known")
        UNKNOWN = "unknown", pgettext_lazy("comparison", "is not known")

    # They ask whether there is a value, and compare it with nothing.
    BARE = frozenset({Operator.KNOWN, Operator.UNKNOWN})

    metric = models.CharField(
        _("metric"), max_length=60, blank=True, help_text=_("Empty: never evaluated by the daily check.")
    )
    operator = models.CharField(
        pgettext_lazy("comparison", "operator"), max_length=10, choices=Operator.choices, blank=True
    )
    value = models.CharField(
        _("value"), max_length=200, blank=True, help_text=_("Several for “is one of”, with commas.")
    )
    upper = models.CharField(_("and"), max_length=60, blank=True, help_text=_("The upper end, which is in."))

    class Meta:
        abstract = True


def _complete(*, or_nothing: bool) -> Q:
    bare = sorted(Condition.BARE)
    whole = (
        Q(operator="between") & ~Q(value="") & ~Q(upper="")
        | Q(operator__in=bare, value="", upper="")
        | (~Q(operator__in=[*bare, "between", ""]) & ~Q(value="") & Q(upper=""))
    ) & ~Q(metric="")
    return whole | Q(metric="", operator="", value="", upper="") if or_nothing else whole


class Rule(Condition):
    """One condition, as a row. For admission it must hold; for another purpose whoever meets it fails.

    It may have alternatives: then it is met where any of them is. Whom its scope leaves out is exempt.
    """

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
    exemption = models.CharField(
        _("exempt"),
        max_length=20,
        choices=Exemption.choices,
        blank=True,
        default=Exemption.NOBODY,
    )
    categories = ArrayField(
        models.CharField(max_length=60), verbose_name=_("only categories"), default=list, blank=True
    )
    shop_types = ArrayField(
        models.CharField(max_length=20, choices=Shop.Type.choices),
        verbose_name=_("only shop types"),
        default=list,
        blank=True,
    )
    goods_kinds = ArrayField(
        models.CharField(max_length=20, choices=Shop.GoodsKind.choices),
        verbose_name=_("only goods"),
        default=list,
        blank=True,
    )
    subject_kinds = ArrayField(
        models.CharField(max_length=20, choices=Shop.SubjectKind.choices),
        verbose_name=_("only subjects"),
        default=list,
        blank=True,
    )
    entered_from = models.DateField(_("only shops entered from"), null=True, blank=True)
    entered_until = models.DateField(
        _("only shops entered until"), null=True, blank=True, help_text=_("The day is in.")
    )
    sample_metric = models.CharField(
        _("sample"), max_length=60, blank=True, help_text=_("A count that tells on how much the value rests.")
    )
    sample_minimum = models.PositiveIntegerField(
        _("least sample"), null=True, blank=True, help_text=_("Below it the value is no data.")
    )
    warn_within = models.DecimalField(
        _("warn within"),
        max_digits=16,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_("Of a clearance: who holds by less than this is warned. Empty: nobody."),
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
            models.UniqueConstraint(
                fields=["rule_set", "code"],
                name="rules_rule_code_is_used_once",
                violation_error_message=_("Another rule of this set has this code."),
            ),
            models.CheckConstraint(
                condition=_complete(or_nothing=True),
                name="rules_rule_is_complete_or_never_evaluated",
                violation_error_message=_(
                    "A condition has a metric, an operator and what it is compared with, or nothing of them."
                ),
            ),
            models.CheckConstraint(
                condition=Q(sample_metric="", sample_minimum=None)
                # NULL > 0 is unknown, and a check lets through what is unknown.
                | (~Q(sample_metric="") & Q(sample_minimum__isnull=False, sample_minimum__gt=0)),
                name="rules_rule_names_its_sample_with_its_minimum",
                violation_error_message=_("A sample and its least count go together."),
            ),
            models.CheckConstraint(
                condition=Q(warn_within=None) | Q(warn_within__gt=0),
                name="rules_rule_warns_within_something",
                violation_error_message=_("A warning band is wider than nothing."),
            ),
            models.CheckConstraint(
                condition=Q(entered_from=None)
                | Q(entered_until=None)
                | Q(entered_from__lte=F("entered_until")),
                name="rules_rule_scope_ends_after_it_begins",
                violation_error_message=_("The last day of entry lies before the first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.sentence}"

    @property
    def sentence(self) -> str:
        """The condition in the reader's language."""
        return in_the_readers_language(self.sentence_en, self.sentence_zh)

    @property
    def reading(self) -> str:
        """How we read the document where it is silent, in the reader's language."""
        return in_the_readers_language(self.reading_en, self.reading_zh)


class Alternative(Condition):
    """Another condition by which a rule is met as well."""

    rule = models.ForeignKey(Rule, models.CASCADE, verbose_name=_("rule"), related_name="alternatives")
    position = models.PositiveSmallIntegerField(_("position"))

    class Meta:
        verbose_name = _("alternative")
        verbose_name_plural = _("alternatives")
        ordering = ["rule", "position"]
        constraints = [
            models.CheckConstraint(
                condition=_complete(or_nothing=False),
                name="rules_alternative_is_complete",
                violation_error_message=_(
                    "An alternative has a metric, an operator and what it is compared with."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.operator} {self.value}"
