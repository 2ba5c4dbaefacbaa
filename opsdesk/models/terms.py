from __future__ import annotations

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from shops.calendar import working_days_after
from shops.models import Audited


class AppealTerms(Audited):
    """How long the shop and the desk have for each step of an appeal (R16), and whom it appeals to. One row,
    a supervisor's; notices keep by value what it said.
    """

    first_days = models.PositiveSmallIntegerField(
        _("days for a first appeal"),
        default=30,
        help_text=_("From the delivery of the notice; where none is recorded, from the decision."),
    )
    second_days = models.PositiveSmallIntegerField(
        _("days for a second appeal"), default=15, help_text=_("From the ruling on the first.")
    )
    answer_days = models.PositiveSmallIntegerField(
        _("working days for an answer"),
        default=3,
        help_text=_("Until when a shop answers that is asked for something, unless the officer says more."),
    )
    ruling_days = models.PositiveSmallIntegerField(
        _("working days for a ruling"),
        default=5,
        help_text=_("Until when the desk rules on an appeal that was filed or answered."),
    )
    lease_hours = models.PositiveSmallIntegerField(
        _("hours of a claim"),
        default=24,
        help_text=_("So long after an officer's last step nobody else takes the appeal over."),
    )
    issuer_zh = models.CharField(
        _("issuer of notices, in Chinese"),
        max_length=200,
        blank=True,
        help_text=_(
            "Who tells shops of decisions, at the head and foot of each notice. Empty: nobody is named."
        ),
    )
    issuer_en = models.CharField(_("issuer of notices, in English"), max_length=200, blank=True)
    contact_zh = models.TextField(
        _("how to reach the desk, in Chinese"),
        blank=True,
        help_text=_(
            "To where shops appeal: address, telephone, where tickets are opened. Empty: notices name the"
            " platform's merchant channel."
        ),
    )
    contact_en = models.TextField(_("how to reach the desk, in English"), blank=True)
    days_off = ArrayField(
        models.DateField(),
        verbose_name=_("public holidays"),
        default=list,
        blank=True,
        help_text=_(
            "Days from Monday to Friday that are off, with commas between them; once a year, as the State"
            " Council announces them. Without them every Monday to Friday is a working day."
        ),
    )
    days_worked = ArrayField(
        models.DateField(),
        verbose_name=_("weekends that are worked"),
        default=list,
        blank=True,
        help_text=_("Saturdays and Sundays that are worked for holidays."),
    )

    class Meta:
        verbose_name = _("terms of appeals")
        verbose_name_plural = _("terms of appeals")
        permissions = [("export_appealterms", _("Can export the terms of appeals"))]
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="opsdesk_appealterms_are_one_row"),
            models.CheckConstraint(
                condition=Q(
                    first_days__gte=1,
                    second_days__gte=1,
                    answer_days__gte=1,
                    ruling_days__gte=1,
                    lease_hours__gte=1,
                ),
                name="opsdesk_appealterms_leave_some_time",
                violation_error_message=_("Each is at least 1."),
            ),
            models.CheckConstraint(
                condition=(Q(issuer_zh="", issuer_en="") | (~Q(issuer_zh="") & ~Q(issuer_en="")))
                & (Q(contact_zh="", contact_en="") | (~Q(contact_zh="") & ~Q(contact_en=""))),
                name="opsdesk_appealterms_tell_shops_in_both_languages",
                violation_error_message=_("Shops are told in both languages: fill in both, or neither."),
            ),
            models.CheckConstraint(
                condition=~Q(days_off__overlap=F("days_worked")),
                name="opsdesk_appealterms_day_is_off_or_worked",
                violation_error_message=_("A day is off or worked, not both."),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def current(cls) -> AppealTerms:
        """The terms that hold now."""
        return cls.objects.get(pk=1)

    def working_days_after(self, day: date, days: int) -> date:
        """The working day that is so many working days after `day`, which itself is not counted."""
        return working_days_after(day, days, frozenset(self.days_off), frozenset(self.days_worked))
