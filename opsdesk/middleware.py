"""What every request has in common beneath the pages."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shops.declared import read_once


def declared_metrics_once(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Have a page that names many metrics look up the declared ones no more than once."""

    def answered(request: HttpRequest) -> HttpResponseBase:
        with read_once():
            return get_response(request)

    return answered
