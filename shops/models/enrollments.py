from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.alliances import Alliance
from shops.models.audited import Audited
from shops.models.batches import ImportBatch
from shops.models.shops import Shop


class Enrollment(Audited):
    """A shop's standing in an alliance."""

    class State(models.TextChoices):
        APPLIED = "applied", _("applied")
        OPEN = "open", _("open")
        CLEARED = "cleared", _("cleared")
        LEFT = "left", _("left")

    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="enrollments")
    alliance = models.ForeignKey(
        Alliance, models.PROTECT, verbose_name=_("alliance"), related_name="enrollments"
    )
    state = models.CharField(_("state"), max_length=20, choices=State.choices)
    openings_used = models.PositiveSmallIntegerField(
        _("openings used"),
        default=0,
        help_text=_("How many times the shop has been opened in this alliance, the present one included."),
    )
    batch = models.ForeignKey(
        ImportBatch,
        models.PROTECT,
        verbose_name=_("import"),
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        ordering = ["shop", "alliance"]
        permissions = [
            ("record_enrollment", _("Can record that a shop applies or leaves")),
            ("import_enrollment", _("Can import enrollments")),
            ("export_enrollment", _("Can export enrollments")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "alliance"], name="shops_enrollment_is_one_per_shop_and_alliance"
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | Q(openings_used__gte=1),
                name="shops_enrollment_open_has_used_an_opening",
            ),
        ]
        indexes = [
            # The sweep reads one alliance's enrollments by state.
            models.Index(fields=["alliance", "state"], name="shops_enrollment_population"),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {self.alliance}"


class Opening(Audited):
    """One time that a shop was opened in an alliance. Its date never changes, nor its number, but where a
    wrongful clearance is taken back: then the next is void, and those after it move up.
    """

    class Cause(models.TextChoices):
        METRIC = "metric", _("metric")
        QUALIFICATION = "qualification", _("qualification")
        VIOLATION = "violation", _("violation")
        JUDGEMENT = "judgement", _("judgement")
        VOLUNTARY = "voluntary", _("voluntary")

    enrollment = models.ForeignKey(
        Enrollment, models.PROTECT, verbose_name=_("enrollment"), related_name="openings"
    )
    # None once it is void.
    number = models.PositiveSmallIntegerField(_("number"), null=True)
    opened_on = models.DateField(
        _("opened on"), null=True, blank=True, help_text=_("Empty: before the desk's record began.")
    )
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    cause = models.CharField(_("closed because"), max_length=20, choices=Cause.choices, blank=True)
    closed = models.BooleanField(_("closed"), default=False)
    voided_at = models.DateTimeField(
        _("void since"),
        null=True,
        blank=True,
        help_text=_("The clearance before it was wrong: it used none, the earlier opening went on."),
    )
    part_of = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("part of"),
        null=True,
        blank=True,
        related_name="parts",
        help_text=_("The opening that went on in its place."),
    )

    class Meta:
        verbose_name = _("opening")
        verbose_name_plural = pgettext_lazy("records", "openings")
        ordering = ["enrollment", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrollment", "number"], name="shops_opening_number_is_used_once"
            ),
            models.UniqueConstraint(
                fields=["enrollment"],
                condition=Q(closed=False),
                name="shops_opening_is_the_only_open_one",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="shops_opening_number_starts_at_one"),
            models.CheckConstraint(
                condition=Q(closed=True) | (Q(closed_on=None) & Q(cause="")),
                name="shops_opening_that_is_open_has_no_end",
            ),
            models.CheckConstraint(
                condition=Q(voided_at=None, part_of=None, number__isnull=False)
                | Q(
                    voided_at__isnull=False,
                    part_of__isnull=False,
                    number=None,
                    closed=True,
                    closed_on=None,
                    cause="",
                ),
                name="shops_opening_that_is_void_is_part_of_another_and_has_no_number",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrollment} · {self.number}"
