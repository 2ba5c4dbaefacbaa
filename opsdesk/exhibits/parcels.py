"""Many files at once, in a ZIP or a folder: nothing leaves its place, and nothing unfolds without bound."""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from opsdesk.exhibits.judging import BLOCK, largest
from shops.errors import Refused
from shops.imports.files import workplace

# What file managers add of themselves.
_NO_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_NO_FOLDERS = frozenset({"__MACOSX"})
_UTF8, _ENCRYPTED = 0x800, 0x1
_UNIX = 3


class ParcelRefused(Refused):
    """The parcel as a whole is no good: `reasons` says why, one by one."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("; ".join(self.reasons[:5]))


@dataclass(frozen=True)
class Parcel:
    """Files by the path that they have in the parcel, in forward slashes."""

    files: Mapping[str, Path]

    def find(self, name: str) -> str:
        """The path of the file that a row names by it, or by its last part alone. Refused otherwise."""
        asked = _plain(name)
        found = [path for path in self.files if path == asked]
        found = found or [path for path in self.files if PurePosixPath(path).name == asked]
        if not found:
            raise Refused(_("“%(name)s” is not among the files.") % {"name": name})
        if len(found) > 1:
            raise Refused(
                _("“%(name)s” stands more than once among the files: write the folder, too.") % {"name": name}
            )
        return found[0]


@contextmanager
def unpacked(archive: IO[bytes] | Path) -> Iterator[Parcel]:
    """The files of a ZIP, in a place that is gone when the block ends. ParcelRefused, with what is wrong."""
    with ExitStack() as stack:
        try:
            packed = stack.enter_context(zipfile.ZipFile(archive))
        # NotImplementedError is the library's word for a version of ZIP that it doesn't read.
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, struct.error):
            raise ParcelRefused([_("This is no ZIP, or a damaged one.")]) from None
        entries = [entry for entry in packed.infolist() if not _is_furniture(_name_of(entry))]
        _refuse_too_many(len(entries))
        _refuse_wrong(entries)
        directory = stack.enter_context(workplace())
        yield Parcel(_unfold(packed, entries, directory))


def folder(root: Path) -> Parcel:
    """The files of a folder and those within it. ParcelRefused where one is a link, or no file at all."""
    files: dict[str, Path] = {}
    wrong: list[str] = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if _is_furniture(name):
            continue
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            files[_plain(name)] = path
        elif not stat.S_ISDIR(mode):
            wrong.append(_("“%(name)s” is a link, or no file at all.") % {"name": _shown(name)})
    if wrong:
        raise ParcelRefused(wrong)
    _refuse_too_many(len(files))
    return Parcel(files)


def _refuse_too_many(count: int) -> None:
    most = settings.EVIDENCE_PARCEL_FILES
    if count > most:
        raise ParcelRefused([_("At most %(count)s files at once: divide the parcel.") % {"count": most}])


def _refuse_wrong(entries: Sequence[zipfile.ZipInfo]) -> None:
    wrong = [told for entry in entries if (told := _wrong_with(entry))]
    # Some disks don't tell them apart.
    times = Counter(_plain(_name_of(entry)).casefold() for entry in entries)
    wrong += [
        _("“%(name)s” stands in the ZIP more than once.") % {"name": _shown(name)}
        for name, count in times.items()
        if count > 1
    ]
    if wrong:
        raise ParcelRefused(wrong)


def _wrong_with(entry: zipfile.ZipInfo) -> str:
    """What is wrong with an entry, before anything of it is read."""
    name = _name_of(entry)
    parts = name.split("/")
    shown = {"name": _shown(name)}
    if (
        name.startswith("/")
        or "\\" in name
        or ".." in parts
        or ":" in parts[0]
        or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name)
        or not name.strip()
    ):
        return _("“%(name)s” leads out of the ZIP, or is no name of a file.") % shown
    kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == _UNIX else 0
    if kind and kind != stat.S_IFREG:
        return _("“%(name)s” is a link, or no file at all.") % shown
    if entry.flag_bits & _ENCRYPTED:
        return _("“%(name)s” is under a password.") % shown
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return _("“%(name)s” is packed in an unusual way: pack it as a plain ZIP.") % shown
    return ""


def _unfold(packed: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], directory: Path) -> dict[str, Path]:
    """Each entry in a file of ours, counted as it really unfolds: what the ZIP says of sizes may be a lie."""
    left = settings.EVIDENCE_PARCEL_MAX_UNPACKED_MB << 20
    files: dict[str, Path] = {}
    for number, entry in enumerate(entries):
        name, one = _plain(_name_of(entry)), largest() << 20
        path = directory / str(number)
        try:
            with packed.open(entry) as source, open(path, "wb") as out:
                while block := source.read(BLOCK):
                    left, one = left - len(block), one - len(block)
                    if left < 0:
                        limit = settings.EVIDENCE_PARCEL_MAX_UNPACKED_MB
                        raise ParcelRefused(
                            [_("This ZIP unfolds to more than %(size)s MB: divide it.") % {"size": limit}]
                        )
                    if one < 0:
                        told = _("“%(name)s” is larger than %(size)s MB.")
                        raise ParcelRefused([told % {"name": _shown(name), "size": largest()}])
                    out.write(block)
        # RuntimeError is the library's word for a password, and for a way to pack that it doesn't know.
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError):
            raise ParcelRefused([_("“%(name)s” is damaged in the ZIP.") % {"name": _shown(name)}]) from None
        files[name] = path
    return files


def _is_furniture(name: str) -> bool:
    """Folders, which come with their files, and what file managers add of themselves."""
    parts = PurePosixPath(name).parts
    if name.endswith("/") and not {"..", "/"} & set(parts):
        return True
    return bool(parts) and (parts[0] in _NO_FOLDERS or parts[-1].casefold() in _NO_FILES)


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The entry's name as it was meant: without a flag, Windows writes its own encoding, here Chinese."""
    # What the library made of it is cut at a NUL, and has other slashes on other systems.
    name = entry.orig_filename
    if entry.flag_bits & _UTF8:
        return name
    raw = name.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


def _plain(name: str) -> str:
    """The same name however its accents are written."""
    return unicodedata.normalize("NFC", name.strip())


def _shown(name: str) -> str:
    seen = "".join(sign if sign.isprintable() else "·" for sign in name)
    return seen if len(seen) <= 80 else f"{seen[:79]}…"
