"""Who may do what: each role is a group, and `migrate` makes the groups say exactly this page."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Written once, or kept otherwise: they have no history of their own.
UNRECORDED = frozenset(
    {
        "correction",
        "depositentry",
        "productcorrection",
        "productmetrics",
        "settlement",
        "shopmetrics",
        "simulation",
        "simulatedchange",
        "sweepinput",
    }
)
# Looking at the desk's records. Histories have view permissions of their own.
READS = frozenset(
    f"{app}.view_{prefix}{model}"
    for app, models in {
        "shops": [
            "alliance",
            "promotionperiod",
            "controller",
            "shop",
            "product",
            "listing",
            "qualification",
            "enrollment",
            "opening",
            "importbatch",
            "importsource",
            "correction",
            "productcorrection",
            "violation",
            "declaredmetric",
            "defaultmeasure",
            "penalty",
            "measure",
            "closure",
            "pointsthreshold",
            "depositentry",
            "depositrequirement",
            "depositstep",
            "settlement",
            "topup",
            "shopmetrics",
            "productmetrics",
        ],
        "rules": [
            "ruleset",
            "rule",
            "alternative",
            "retirement",
            "shopexemption",
            "simulation",
            "simulatedchange",
            "sweep",
            "sweepinput",
            "proposal",
        ],
        "opsdesk": ["decision", "execution", "notice", "appealterms"],
    }.items()
    for model in models
    for prefix in ("", "historical")
    if not (prefix and model in UNRECORDED)
)

# Taking lists away, and seeing what one has taken.
EXPORTS = frozenset(
    {
        "shops.view_export",
        *(
            f"{app}.export_{model}"
            for app, models in {
                "shops": [
                    "alliance",
                    "controller",
                    "shop",
                    "product",
                    "listing",
                    "qualification",
                    "enrollment",
                    "importbatch",
                    "importsource",
                    "declaredmetric",
                    "violation",
                    "penalty",
                    "pointsthreshold",
                    "depositentry",
                    "depositrequirement",
                    "depositstep",
                    "topup",
                    "shopmetrics",
                    "productmetrics",
                ],
                "rules": ["ruleset", "shopexemption", "simulation", "simulatedchange", "sweep", "proposal"],
                "opsdesk": ["decision", "execution", "notice", "appealterms"],
            }.items()
            for model in models
        ),
    }
)

DECIDES = frozenset(
    {
        "shops.import_data",
        "shops.import_shop",
        "shops.import_enrollment",
        "shops.import_qualification",
        "shops.import_product",
        "shops.import_listing",
        "shops.import_penalty",
        "shops.record_enrollment",
        "shops.impose_penalty",
        "shops.lift_penalty",
        "rules.run_sweep",
        "rules.decide_proposal",
        "rules.file_proposal",
        "opsdesk.record_execution",
        "opsdesk.record_delivery",
    }
)

# What shops say in an appeal concerns those alone who hear it, or who look after them.
SEES_APPEALS = frozenset(
    {
        "opsdesk.view_appeal",
        "opsdesk.view_historicalappeal",
        "opsdesk.view_appealmessage",
        "opsdesk.view_evidence",
        "opsdesk.view_historicalevidence",
        "opsdesk.export_appeal",
    }
)
HEARS = frozenset(
    {
        "opsdesk.file_appeal",
        "opsdesk.work_appeal",
        "opsdesk.decide_appeal",
        "opsdesk.submit_evidence",
        "opsdesk.strike_evidence",
        "opsdesk.record_delivery",
        "shops.overturn_penalty",
    }
)

# How much a deposit is to be.
REQUIRES = frozenset(
    f"shops.{verb}_{model}"
    for verb in ("add", "change", "delete")
    for model in ("depositrequirement", "depositstep")
)

# The money: what moves on deposits, what is owed to them, and taking both away.
MONEY = frozenset(
    {
        "shops.enter_deposit",
        "shops.import_depositentry",
        "shops.view_export",
        "shops.export_depositentry",
        "shops.export_depositrequirement",
        "shops.export_depositstep",
        "shops.export_topup",
    }
)

PEOPLE = frozenset(
    {
        "auth.view_user",
        "auth.add_user",
        "auth.change_user",
        "auth.view_group",
    }
)


@dataclass(frozen=True)
class Role:
    """A group: its name for people and the permissions it holds."""

    name: str | Promise
    permissions: frozenset[str]


ROLES: dict[str, Role] = {
    "operator": Role(_("operator"), READS | EXPORTS | DECIDES),
    "appeals_officer": Role(_("appeals officer"), READS | SEES_APPEALS | HEARS),
    "finance": Role(_("finance"), READS | MONEY | REQUIRES),
    "rules_editor": Role(
        _("rules editor"),
        READS
        | {
            "shops.declare_metric",
            "rules.add_ruleset",
            "rules.change_ruleset",
            "rules.run_simulation",
            "rules.export_simulation",
            "rules.export_simulatedchange",
        },
    ),
    "supervisor": Role(
        _("supervisor"),
        READS
        | EXPORTS
        | DECIDES
        | SEES_APPEALS
        | HEARS
        | REQUIRES
        | {
            "opsdesk.admit_late_appeal",
            "opsdesk.change_appealterms",
            "shops.change_alliance",
            "shops.change_violation",
            "shops.add_pointsthreshold",
            "shops.change_pointsthreshold",
            "shops.delete_pointsthreshold",
            "shops.stay_penalty",
            "shops.reverse_import",
            "rules.publish_ruleset",
            "rules.run_simulation",
            "rules.release_sweep",
            "rules.grant_exemption",
        },
    ),
    "auditor": Role(_("auditor"), READS | EXPORTS | SEES_APPEALS),
    "administrator": Role(_("administrator"), PEOPLE),
}


def write_groups() -> None:
    """Make the groups of this page, and their permissions, exactly what stands here."""
    known = {
        f"{app}.{codename}": pk
        for pk, app, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
    }
    for key, role in ROLES.items():
        group, _created = Group.objects.get_or_create(name=key)
        group.permissions.set([known[permission] for permission in role.permissions if permission in known])
