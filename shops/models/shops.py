from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.audited import Audited
from shops.models.batches import ImportBatch


class Controller(Audited):
    """Who is behind one or several shops (实际控制人)."""

    code = models.CharField(_("code"), max_length=64, unique=True)

    class Meta:
        verbose_name = _("controller")
        verbose_name_plural = _("controllers")
        ordering = ["code"]
        permissions = [("export_controller", _("Can export controllers"))]

    def __str__(self) -> str:
        return self.code


class Shop(Audited):
    """A shop as its platform reports it. Only imports write these facts."""

    class Type(models.TextChoices):
        FLAGSHIP = "flagship", _("flagship")
        EXCLUSIVE = "exclusive", _("exclusive")
        MULTI_BRAND = "multi_brand", _("multi-brand")
        ORDINARY = "ordinary", _("ordinary")

    # Shops that trade under a brand, and so need its paper (DF-C2).
    BRANDED = frozenset({Type.FLAGSHIP, Type.EXCLUSIVE, Type.MULTI_BRAND})

    class GoodsKind(models.TextChoices):
        PHYSICAL = "physical", _("physical")
        VIRTUAL = "virtual", _("virtual")
        MIXED = "mixed", _("mixed")

    class Status(models.TextChoices):
        PREPARING = "preparing", _("preparing")
        NORMAL = "normal", _("normal")
        SUSPENDED = "suspended", _("suspended")
        CLOSED = "closed", pgettext_lazy("shop", "closed")

    class SubjectKind(models.TextChoices):
        ENTERPRISE = "enterprise", _("enterprise")
        SOLE_TRADER = "sole_trader", _("sole trader")

    class ClosedCause(models.TextChoices):
        VOLUNTARY = "voluntary", pgettext_lazy("shop", "voluntary")
        VIOLATION = "violation", _("violation")

    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    name_key = models.CharField(_("name in pinyin"), max_length=800, db_index=True, editable=False)
    shop_type = models.CharField(_("shop type"), max_length=20, choices=Type.choices)
    category = models.CharField(_("category"), max_length=60)
    goods_kind = models.CharField(_("goods"), max_length=20, choices=GoodsKind.choices)
    status = models.CharField(_("status"), max_length=20, choices=Status.choices)
    account_ok = models.BooleanField(_("account in good standing"), null=True, blank=True)
    subject_kind = models.CharField(
        pgettext_lazy("shop", "subject"), max_length=20, choices=SubjectKind.choices
    )
    controller = models.ForeignKey(
        Controller,
        models.PROTECT,
        verbose_name=_("controller"),
        null=True,
        blank=True,
        related_name="shops",
    )
    entered_on = models.DateField(_("entered on"), null=True, blank=True)
    closed_on = models.DateField(pgettext_lazy("shop", "closed on"), null=True, blank=True)
    closed_cause = models.CharField(
        pgettext_lazy("shop", "closed because"), max_length=20, choices=ClosedCause.choices, blank=True
    )
    contact = models.CharField(_("contact"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.CharField(_("email"), max_length=200, blank=True)
    account_manager = models.CharField(_("account manager"), max_length=100, blank=True)
    batch = models.ForeignKey(
        ImportBatch,
        models.PROTECT,
        verbose_name=_("import"),
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        verbose_name = _("shop")
        verbose_name_plural = _("shops")
        ordering = ["code"]
        permissions = [("import_shop", _("Can import shops")), ("export_shop", _("Can export shops"))]
        indexes = [
            # Search in the shop list: Django's icontains compares upper(column).
            GinIndex(OpClass(Upper("code"), "gin_trgm_ops"), name="shops_shop_code_search"),
            GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="shops_shop_name_search"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Qualification(Audited):
    """A paper on file: a brand's authorisation, a category permit, a licence."""

    class Kind(models.TextChoices):
        BRAND = "brand", _("brand")
        CATEGORY = "category", _("category")
        LICENCE = "licence", _("licence")

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", pgettext_lazy("paper", "accepted")
        REJECTED = "rejected", pgettext_lazy("paper", "rejected")
        PENDING = "pending", pgettext_lazy("paper", "pending")

    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="qualifications")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    brand = models.CharField(_("brand"), max_length=100, blank=True)
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("Empty: without end.")
    )
    verdict = models.CharField(_("verdict"), max_length=20, choices=Verdict.choices)
    received_at = models.DateTimeField(
        _("received at"),
        help_text=_("When the desk first heard of this paper; the newest per brand is the one that counts."),
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
        verbose_name = _("qualification")
        verbose_name_plural = _("qualifications")
        ordering = ["shop", "kind", "brand", "-received_at"]
        permissions = [
            ("import_qualification", _("Can import qualifications")),
            ("export_qualification", _("Can export qualifications")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "kind", "brand", "valid_until"],
                nulls_distinct=False,
                name="shops_qualification_is_known_once",
            )
        ]
        indexes = [
            # The home page: papers that expire within a month.
            models.Index(fields=["valid_until"], name="shops_qualification_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.brand}".strip()
