"""What people are asked about a file: what it holds, how it is written, what its columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from shops import imports
from shops.admin.sources import DELIMITERS, ENCODINGS
from shops.models import ImportBatch, ImportSource

# What nobody says is found out.
ENCODING_CHOICES = list({**ENCODINGS, "": _("find out")}.items())
DELIMITER_CHOICES = list({**DELIMITERS, "": _("find out")}.items())


class ReadingForm(forms.Form):
    """How a file is written, where a person knows better."""

    encoding = forms.ChoiceField(label=_("Encoding"), choices=ENCODING_CHOICES, required=False)
    delimiter = forms.ChoiceField(label=_("Delimiter"), choices=DELIMITER_CHOICES, required=False)

    @property
    def reading(self) -> imports.Reading:
        given = self.cleaned_data
        return imports.Reading(given["encoding"], given["delimiter"])


class FileForm(ReadingForm):
    """A file and how it is to be taken."""

    # What is wrong with an empty file, the import itself says.
    file = forms.FileField(
        label=_("File"),
        max_length=255,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx,text/csv"}),
        help_text=_("CSV or XLSX with headers in English or Chinese; CSV in UTF-8, GB18030 or UTF-16."),
    )
    source = forms.ModelChoiceField(
        label=_("Source"),
        queryset=ImportSource.objects.all(),
        required=False,
        empty_label=_("none in particular"),
        help_text=_("Where it comes from, if how such files are to be read has been saved."),
    )
    partial = forms.BooleanField(
        label=_("Take the good rows"),
        required=False,
        help_text=_("Otherwise one bad row refuses the whole file."),
    )
    at_once = forms.BooleanField(
        label=_("Apply at once"),
        required=False,
        help_text=_("Unless something looks suspicious. Otherwise what would change is shown first."),
    )
    as_of = forms.DateTimeField(
        label=_("As of"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Of what moment the file's knowledge is. Empty: now."),
    )
    field_order = ("kind", "file", "source", "partial", "at_once", "as_of", "encoding", "delimiter")

    def __init__(self, *args: Any, kinds: Sequence[ImportBatch.Kind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(kind.value, kind.label) for kind in kinds]
        self.fields["kind"] = forms.ChoiceField(label=_("What the file holds"), choices=choices)
        self.order_fields(self.field_order)


class ColumnsForm(ReadingForm):
    """What each header of a file means; saved under a name, it holds for all files from there."""

    remember_as = forms.CharField(
        label=_("Save as source"),
        max_length=60,
        required=False,
        help_text=_("A name for where such files come from: the next ones are read in the same way."),
    )

    def __init__(self, *args: Any, batch: ImportBatch, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        meanings = imports.meanings_of(batch)
        self._headers = list(meanings)
        choices = [("", _("(read over)")), *imports.column_names(batch.kind).items()]
        for place, header in enumerate(self._headers):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=header or "–", choices=choices, required=False, initial=meanings[header]
            )
        self.order_fields([f"column_{place}" for place in range(len(self._headers))])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        chosen = [given.get(f"column_{place}") for place in range(len(self._headers))]
        doubled = {name for name in chosen if name and chosen.count(name) > 1}
        for place, name in enumerate(chosen):
            if name in doubled:
                self.add_error(f"column_{place}", _t("Two columns can't mean the same."))
        return given

    @property
    def reading(self) -> imports.Reading:
        given = self.cleaned_data
        columns = {header: given[f"column_{place}"] for place, header in enumerate(self._headers)}
        return imports.Reading(given["encoding"], given["delimiter"], columns)
