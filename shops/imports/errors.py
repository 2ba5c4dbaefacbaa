"""What is wrong with a cell, a row or a file: a code with parameters, told in the reader's language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.imports.words import told

# A cell may hold a megabyte; nobody reads more of it than this.
SHOWN = 200

MESSAGES: dict[str, Promise] = {
    # The file as a whole.
    "empty_file": _("The file is empty. Send a file with a line of headers and at least one row."),
    "no_rows": _("There are headers but no rows. Send at least one row."),
    "not_text": _(
        "This is neither UTF-8 (it breaks in row %(utf8_row)s, byte %(utf8_byte)s)"
        " nor GB18030 (row %(gb_row)s, byte %(gb_byte)s). Save the file as CSV UTF-8 and send it again."
    ),
    "mixed_encodings": _(
        "Row %(utf8_row)s is written in UTF-8, and row %(row)s is not (byte %(byte)s): files of different"
        " encodings were put together, or a character was cut. Save the file as CSV UTF-8 and send it again."
    ),
    "not_utf": _(
        "The file says that it is %(encoding)s, but breaks in row %(row)s."
        " Save it as CSV UTF-8 and send it again."
    ),
    "not_chosen_encoding": _(
        "You chose %(encoding)s, but the file breaks in row %(row)s."
        " Choose another encoding, or let it be found."
    ),
    "nul": _("There is a NUL character here, which no text holds. Save the file as CSV UTF-8."),
    "line_too_long": _(
        "This line is longer than %(limit)s characters. Look for a quotation mark without its pair before it."
    ),
    "broken_quotes": _(
        "The quotation marks of this row don't match. Put a cell that holds a quotation mark"
        ' between quotation marks and double the one inside: "a ""quoted"" word".'
    ),
    "missing_column": _(
        "The column “%(name)s” (%(name_zh)s) is missing from the headers. Add it with a value in each row."
    ),
    "too_many_columns": _("There are more than %(limit)s columns. Remove those that are not needed."),
    "doubled_column": _("This column stands in the headers more than once. Keep one of them."),
    "unknown_column": _("No column of this kind of file is called so. Remove it, or use one of: %(known)s."),
    "retired_column": _(
        "The metric “%(name)s” (%(name_zh)s) is retired: of %(day)s and later days no figures are taken."
        " Remove the column, or have it read over."
    ),
    "no_figures": _("The file brings no metric: add at least one of %(known)s."),
    "kept_failing": _(
        "Processing broke off %(times)s times, the last time with %(error)s. Nothing was written."
        " Ask the administrator to look at the worker's log, then send the file again."
    ),
    "kept_dying": _(
        "Processing was cut off %(times)s times without a word, as when memory runs out. Nothing was written."
        " Ask the administrator to look at the worker's log, then send the file again."
    ),
    "workbook_broken": _(
        "The workbook is damaged or not of the XLSX format. Open it in a spreadsheet, save it as CSV UTF-8"
        " and send that."
    ),
    "workbook_locked": _("The workbook is under a password. Remove it, or save the sheet as CSV UTF-8."),
    "workbook_old": _(
        "This is a file of an old format, such as XLS. Save it as CSV UTF-8 or as XLSX and send it again."
    ),
    "workbook_too_large": _(
        "The workbook unfolds to more than %(limit)s MB or spans too many cells. Save the sheet as CSV UTF-8"
        " and send that: CSV may be larger."
    ),
    "workbook_merged": _(
        "The sheet has merged cells, of which only the first holds the value. Unmerge them, fill in the value"
        " in every row, headers included, and send the file again."
    ),
    "no_workbook": _("This is an archive without a workbook in it. Unpack it and send the file within."),
    "no_sheet": _(
        "No visible sheet has a header of this kind of file in its first row."
        " These were looked at: %(names)s."
    ),
    # A row.
    "row_length": _("The row has %(found)s cells, the headers have %(expected)s. Make them equal."),
    "duplicate": _("Row %(other)s has the same key (%(key)s). Keep one of them."),
    # A cell by itself.
    "missing_value": _("A value is needed here."),
    "bad_number": _("Expected a number in plain digits, such as 1234.56: no separators, units or exponents."),
    "bad_integer": _("Expected a whole number in plain digits, such as 120."),
    "bad_score": _("Expected a score from 0 to 5 such as 4.65, or “none” where there is no score yet."),
    "bad_score_of": _(
        "Expected a score from %(minimum)s to %(maximum)s, or “none” where there is no score yet."
    ),
    "bad_rate": _("Expected a share of 1 such as 0.95, or the same in percent: 95%%."),
    "out_of_range": _("Expected a number from %(minimum)s to %(maximum)s."),
    "rate_out_of_range": _("Expected a share from 0 to 1. If these are percent, write the sign: 95%%."),
    "too_many_decimals": _("At most %(decimals)s decimals are kept here. Round the number yourself."),
    "bad_flag": _("Expected 1 or 0, true or false, 是 or 否."),
    "bad_date": _("Expected a date of the calendar written as YYYY-MM-DD, such as 2024-08-31."),
    "bad_moment": _(
        "Expected a moment such as 2024-08-31 14:30 or 2024-08-31T14:30:00+08:00;"
        " without a zone it is Shanghai's."
    ),
    "too_early": _("Expected a date from %(earliest)s on."),
    "too_late": _("Expected a date until %(latest)s."),
    "bad_choice": _("Expected one of: %(choices)s."),
    "too_long": _("At most %(limit)s characters fit here, these are %(found)s. Shorten the text."),
    "bad_character": _("There is a control character or a damaged one in this text. Type it again."),
    "rounded_id": _(
        "This id went through a spreadsheet as a number and lost digits."
        " Format the column as text and export again."
    ),
    "sheet_error": _(
        "This is a spreadsheet's error and no value. Mend the formula there, or type the value in its place,"
        " and export again."
    ),
    # A row against what is known.
    "unknown_shop": _("No shop has this code. Import the shop first, or correct the code."),
    "unknown_product": _("No product has this code. Import the product first, or correct the code."),
    "other_shop": _(
        "This product is of the shop “%(standing)s”, not of “%(stated)s”: a product's shop never changes."
        " Correct the shop or the product's code."
    ),
    "refunds_above_orders": _(
        "There are more quality refunds (%(refunds)s) than valid paid orders (%(orders)s)."
        " Correct one of the numbers."
    ),
    "unknown_alliance": _("No alliance has this code. Expected one of: %(choices)s."),
    "future": _("This day lies after %(limit)s, the day of the file's knowledge. Correct the date."),
    "kept_no_longer": _(
        "Metrics are kept from %(earliest)s on, and this day would be given up again. Leave the row out."
    ),
    "brand_needed": _("A brand's paper names its brand. Fill in the column “brand” (品牌)."),
    "closed_before_opened": _("It closed before it opened on %(opened_on)s. Correct one of the dates."),
    "open_without_opening": _("A shop that was let in has used at least one opening. Write 1 or more."),
    "open_has_no_end": _("An open enrollment has no end. Empty this cell, or change the state."),
    "never_opened": _("The shop has no opening that this could belong to. Empty this cell."),
    "openings_above_limit": _("This alliance allows at most %(limit)s openings. Correct the number."),
    "same_moment": _(
        "Another file of the same moment says “%(standing)s”. Which of them is right, nobody can tell:"
        " send the right one with a later moment."
    ),
    "contradiction": _(
        "The desk's record says “%(standing)s”. Imports only create enrollments: correct the file."
    ),
    "unknown_violation": _("The catalogue has no violation of this code. Expected one of: %(choices)s."),
    "ambiguous_violation": _(
        "Several violations of the catalogue go by this name: %(choices)s. Write the code of the one that is"
        " meant, or its alliance beside the name."
    ),
    "not_the_shops_product": _(
        "This product is of the shop “%(shop)s”. Correct the shop or the product's code."
    ),
    "other_alliance": _("This violation is one of the alliance “%(alliance)s”. Correct one of the two."),
    "ends_before_it_begins": _("It ends before it begins. Correct one of the moments."),
    "only_reported": _(
        "A case that is only reported has had no effect yet. Empty this cell, or write that it is imposed."
    ),
    "known_case": _(
        "The case of this reference came in as “%(standing)s”. A file imposes what was only reported and"
        " changes nothing else: correct the file. What becomes of a case is decided on its page."
    ),
    "decided_otherwise": _(
        "The desk has decided this case, with “%(standing)s” here, which no file changes. Correct the file."
    ),
    "imposed_though_dismissed": _(
        "The desk has dismissed this case, and this says that the platform has imposed it. Clear up which is"
        " right: a penalty is imposed on the shop's page, and this row is left out."
    ),
    "moves_nothing": _("A movement of nothing is none. Correct the amount, or leave the row out."),
    "signed_amount": _(
        "Amounts are written without a sign, whether money comes or goes:"
        " only an adjustment may be below zero."
    ),
    "future_moment": _("This moment lies after %(limit)s, that of the file's knowledge. Correct the moment."),
    "known_movement": _(
        "The movement of this reference stands as “%(standing)s”, and movements are never changed."
        " Correct the file; what is wrong in the ledger is taken back or adjusted there."
    ),
    "case_of_another_shop": _(
        "Case %(case)s, which this movement names, is one of the shop “%(shop)s”. Correct one of the two."
    ),
    "deducted_otherwise": _(
        "Penalty %(case)s has deducted %(amount)s yuan, and a deduction counts once. Correct the amount, or"
        " leave the row out."
    ),
    "given_back_otherwise": _(
        "Penalty %(case)s gave back %(amount)s yuan as it was overturned or lessened (entry %(number)s of the"
        " deposit), and what goes back counts once. Correct the amount, or leave the row out."
    ),
    "given_back_beyond": _(
        "Of what penalty %(case)s has deducted only %(amount)s yuan can go back still. Correct the amount, or"
        " leave the row out."
    ),
    "more_given_back": _(
        "The ledger has %(amount)s yuan given back for this case, more than was deducted. Correct the amount,"
        " or take the movement back first."
    ),
    "moved_otherwise": _(
        "The ledger has %(amount)s yuan deducted for this case, and a deduction counts once. Correct the"
        " amount, or take the movement back first."
    ),
    "moved_for_another_shop": _(
        "The ledger has a deduction for this case from the deposit of the shop “%(shop)s”. Correct the shop."
    ),
    "overdraft": _(
        "The deposit would hold %(balance)s yuan by then, and this takes more."
        " Correct the amount, or bring what was paid in before."
    ),
    "too_much_held": _(
        "The deposit would hold %(balance)s yuan by then, and with this more than is held exactly."
        " Correct the amount."
    ),
    "nothing_standing": _(
        "The desk's record has no value here. Imports only create enrollments: empty this cell."
    ),
}


@dataclass(frozen=True)
class RowError:
    """`row` as a spreadsheet counts, `column` as the file's headers call it.

    Of the parameters `standing` is a cell that is kept, and `of` says of which kind of file and column.
    """

    row: int
    column: str
    value: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cell(self) -> str:
        """The value; beside what stands, in the same words."""
        return self._told(self.value)

    @property
    def message(self) -> str:
        """What was expected and how to mend it, in the reader's language."""
        params = self.params
        if "of" in params:
            params = {**params, "standing": self._told(params["standing"])}
        return str(MESSAGES[self.code]) % params

    def _told(self, text: str) -> str:
        """A cell of the column that the parameters name, in the reader's words."""
        if "of" not in self.params:
            return text
        kind, column = self.params["of"]
        return told(kind, column, text) or text

    def as_record(self) -> dict[str, Any]:
        """How ImportBatch.errors keeps it."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "code": self.code,
            "params": dict(self.params),
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> RowError:
        return cls(record["row"], record["column"], record["value"], record["code"], record["params"])


def kinds_of_errors(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """How many errors there are of each kind, the most frequent first, without a row's own values.

    Told in the reader's language.
    """
    anything: defaultdict[str, str] = defaultdict(lambda: "…")
    # The database keeps an object's keys in an order of its own.
    ordered = sorted(counts.items(), key=lambda kind: (-kind[1], kind[0]))
    return [(str(MESSAGES[code]) % anything, count) for code, count in ordered]


class FileRefused(Exception):
    """The file can't be read as what it is said to be; nothing of it is looked at further."""

    def __init__(self, *errors: RowError, headers: Sequence[str] = ()) -> None:
        super().__init__(*(error.code for error in errors))
        self.errors = errors
        # What people may say the meaning of.
        self.headers = list(headers)


def shortened(value: str, limit: int = SHOWN) -> str:
    """A cell's value as errors show it."""
    return value if len(value) <= limit else value[:limit] + "…"
