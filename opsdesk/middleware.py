"""What every request has in common beneath the pages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.http import HttpRequest, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import render

from opsdesk.exhibits import NotNow, room_for_it
from shops.declared import read_once


def declared_metrics_once(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Have a page that names many metrics look up the declared ones no more than once."""

    def answered(request: HttpRequest) -> HttpResponseBase:
        with read_once():
            return get_response(request)

    return answered


def room_for_uploads(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """503 in words where the disk is full while a form's files come in, whatever page they are for.

    Before any other reads the form: what fails beneath is a mistake of the desk's.
    """

    def answered(request: HttpRequest) -> HttpResponseBase:
        if request.content_type == "multipart/form-data":
            try:
                # Who hangs up while he sends hears nothing any more.
                with room_for_it(), suppress(UnreadablePostError):
                    len(request.FILES)
            except NotNow as refusal:
                return render(request, "503.html", {"why": refusal}, status=503)
        return get_response(request)

    return answered
