"""The desk's admin site: its pages in the order of the work, and the addresses that belong to no model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from django.contrib import admin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Model or page, its name in the sidebar ("" for its own), query of the link.
Entry = tuple[str, str | Promise, str]

# The sidebar. A model that isn't named here stands at its end, so that nothing registered is ever hidden.
WORK: list[tuple[str | Promise, list[Entry]]] = [
    (
        "",
        [
            ("shops.ImportBatch", "", ""),
            ("rules.Proposal", _("Review queue"), ""),
            ("opsdesk.Execution", _("To do on the platform"), "?state__exact=waiting"),
            ("opsdesk.Appeal", _("Appeal queue"), ""),
            ("opsdesk.Notice", "", ""),
            ("opsdesk.Decision", "", ""),
            ("rules.Sweep", "", ""),
            ("shops.Export", "", ""),
        ],
    ),
    (
        _("Shops"),
        [
            ("shops.Shop", "", ""),
            ("shops.Enrollment", "", ""),
            ("shops.Product", "", ""),
            ("shops.Listing", "", ""),
            ("shops.Qualification", "", ""),
            ("shops.Penalty", "", ""),
        ],
    ),
    (
        _("Deposits"),
        [
            ("shops.DepositEntry", "", ""),
            ("shops.TopUp", "", ""),
            ("shops.DepositRequirement", "", ""),
            ("shops.DepositStep", "", ""),
        ],
    ),
    (
        _("Rule book"),
        [
            ("rules.RuleSet", "", ""),
            ("rules.Simulation", "", ""),
            ("metrics", _("Metrics"), ""),
            ("rules.ShopExemption", "", ""),
            ("shops.Violation", "", ""),
            ("shops.PointsThreshold", "", ""),
            ("shops.Alliance", "", ""),
            ("shops.PromotionPeriod", "", ""),
            ("opsdesk.AppealTerms", "", ""),
            ("shops.ImportSource", "", ""),
        ],
    ),
    (_("People"), [("auth.User", "", ""), ("auth.Group", _("roles"), "")]),
]
# Pages of the sidebar that belong to no model, and the permission that each asks for.
PAGES = {"metrics": "rules.view_ruleset"}
# Reached from other pages alone.
UNLISTED = frozenset({"shops.Controller", "shops.DeclaredMetric"})


class DeskSite(admin.AdminSite):
    site_header = _("opsdesk")
    site_title = _("opsdesk")
    index_title = _("The state of the day")
    index_template = "admin/index.html"
    site_url = None

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return {**context, "work": self._work(request, context["available_apps"])}

    def _work(self, request: HttpRequest, apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The sidebar: only what this person may see, the current entry marked."""
        allowed = {
            model["model"]._meta.label: model for app in apps for model in app["models"] if model["admin_url"]
        }
        allowed |= {
            page: {"name": "", "admin_url": reverse(f"admin:{page}", current_app=self.name)}
            for page, permission in PAGES.items()
            if request.user.has_perm(permission)
        }
        home = reverse("admin:index", current_app=self.name)
        today = {"name": _("Today"), "address": home, "current": request.path == home}
        groups: list[dict[str, Any]] = []
        for title, entries in WORK:
            shown = [
                self._entry(request, allowed.pop(label), name, query)
                for label, name, query in entries
                if label in allowed
            ]
            if not title:
                shown.insert(0, today)
            if shown:
                groups.append({"title": title, "entries": shown})
        rest = [
            self._entry(request, model, "", "") for label, model in allowed.items() if label not in UNLISTED
        ]
        if rest:
            groups.append({"title": _("More"), "entries": rest})
        return groups

    def _entry(
        self, request: HttpRequest, model: dict[str, Any], name: str | Promise, query: str
    ) -> dict[str, Any]:
        return {
            "name": name or model["name"],
            "address": model["admin_url"] + query,
            "current": request.path.startswith(model["admin_url"]),
        }

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:
        """What every page has in common beyond being signed in."""

        def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # PostgreSQL holds no NUL, and no filter looks for one.
            if "%00" in request.META.get("QUERY_STRING", ""):
                raise BadRequest("A NUL in the address.")
            answer = view(request, *args, **kwargs)
            if isinstance(answer, HttpResponseNotAllowed) and not answer.content:
                # Signing in leads back to where a form was sent, but without the form.
                answer.content = render_to_string("405.html", self.each_context(request), request)
            return answer

        return super().admin_view(update_wrapper(answered, view), cacheable)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # Here and not above: models are loaded by the time addresses are.
        from opsdesk import pages
        from opsdesk.admin import imposing
        from rules.admin.asking import shop_rules
        from rules.admin.dictionary import metric_dictionary

        def page(view: Any) -> Any:
            return self.admin_view(partial(view, site=self))

        return [
            path("check/<slug:alliance>/", page(pages.check_now), name="check_now"),
            path("shops/shop/<int:shop_id>/rules/", page(shop_rules), name="shops_shop_rules"),
            path("shops/shop/<int:shop_id>/story/", page(pages.shop_story), name="shops_shop_story"),
            path("shops/shop/<int:shop_id>/penalise/", page(imposing.penalise), name="shops_shop_penalise"),
            path("shops/penalty/<int:pk>/undo/", page(imposing.undo_part), name="shops_penalty_undo"),
            path("rules/metrics/", page(metric_dictionary), name="metrics"),
            path("no-data/<slug:alliance>/", page(pages.no_data), name="no_data"),
            path("no-data/<slug:alliance>/export/", page(pages.export_no_data), name="no_data_export"),
            # No record has a page outside the desk, and for a model without a table this one breaks.
            *(url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from opsdesk import dashboard

        day = dashboard.state_of(request.user, at=timezone.now())
        return super().index(request, {"state": day, **(extra_context or {})})
