from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.exhibits import SMALL, Kind
from opsdesk.models.appeals import Appeal
from shops.models import Audited
from shops.models.people import person
from shops.texts import in_the_readers_language


class Evidence(Audited):
    """What supports an appeal: a file or a statement. Never replaced; struck at most, with a reason."""

    Kind = Kind

    appeal = models.ForeignKey(Appeal, models.PROTECT, verbose_name=_("appeal"), related_name="evidence")
    # Its address: numbers could be counted up.
    token = models.UUIDField(_("address"), unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    # By value: the catalogue's entry may change, what was asked for then does not.
    item_en = models.TextField(_("item in English"), blank=True)
    item_zh = models.TextField(_("item in Chinese"), blank=True)
    text = models.TextField(pgettext_lazy("message", "text"), blank=True)
    name = models.CharField(_("file name"), max_length=255, blank=True)
    place = models.CharField(_("place in the store"), max_length=100, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    size = models.BigIntegerField(_("size in bytes"), null=True, blank=True)
    pages = models.PositiveSmallIntegerField(_("pages that are shown"), default=0)
    # Page by page, and of the small picture last; empty: nobody knows.
    shown_sha256 = ArrayField(
        models.CharField(max_length=64), verbose_name=_("SHA-256 of what is shown"), default=list, blank=True
    )
    added_at = models.DateTimeField(_("added at"))
    added_by = person(_("added by"))
    struck_at = models.DateTimeField(_("struck at"), null=True, blank=True)
    struck_by = person(_("struck by"))
    struck_reason = models.TextField(_("struck because"), blank=True)

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = pgettext_lazy("plural", "evidence")
        ordering = ["id"]
        permissions = [
            ("submit_evidence", _("Can add evidence to appeals")),
            ("strike_evidence", _("Can strike evidence")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind="statement", name="", place="", sha256="", size=None, pages=0) & ~Q(text="")
                )
                | (
                    Q(kind__in=["jpeg", "png", "pdf", "mp4"], text="", size__gt=0)
                    & Q(sha256__regex="^[0-9a-f]{64}$")
                    & ~Q(name="")
                    & ~Q(place="")
                ),
                name="opsdesk_evidence_is_a_statement_or_a_whole_file",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["statement", "mp4"], pages=0)
                | Q(kind__in=["jpeg", "png"], pages=1)
                | Q(kind="pdf", pages__gt=0),
                name="opsdesk_evidence_shows_pages_of_what_can_be_drawn",
            ),
            models.CheckConstraint(
                condition=Q(shown_sha256=[]) | Q(pages__gt=0, shown_sha256__len=F("pages") + 1),
                name="opsdesk_evidence_knows_all_that_is_shown_or_nothing",
            ),
            models.CheckConstraint(
                condition=Q(item_en="", item_zh="") | (~Q(item_en="") & ~Q(item_zh="")),
                name="opsdesk_evidence_names_its_item_in_both_languages",
            ),
            models.CheckConstraint(
                condition=Q(struck_at=None, struck_by=None, struck_reason="")
                | (Q(struck_at__isnull=False) & ~Q(struck_reason="")),
                name="opsdesk_evidence_is_struck_for_a_reason",
            ),
            models.UniqueConstraint(
                fields=["appeal", "sha256"],
                condition=Q(struck_at=None) & ~Q(sha256=""),
                name="opsdesk_evidence_file_stands_once_on_its_appeal",
            ),
            models.UniqueConstraint(
                fields=["place"],
                condition=~Q(place=""),
                name="opsdesk_evidence_lies_in_a_place_of_its_own",
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.get_kind_display())

    @property
    def item(self) -> str:
        """The item of the checklist that it answers, in the reader's language."""
        return in_the_readers_language(self.item_en, self.item_zh)

    @property
    def is_struck(self) -> bool:
        return self.struck_at is not None

    @property
    def page_numbers(self) -> range:
        return range(1, self.pages + 1)

    @property
    def shown(self) -> dict[str, str]:
        """SHA-256 of each page that is shown, by its number, and of the small picture; empty: not known."""
        which = [*map(str, self.page_numbers), SMALL] if self.pages else []
        return dict(zip(which, self.shown_sha256 or [""] * len(which), strict=True))
