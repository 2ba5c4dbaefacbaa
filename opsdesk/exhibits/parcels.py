"""Many files at once, in a ZIP or a folder: nothing leaves its place, and nothing unfolds without bound."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from django.conf import settings
from django.utils.translation import gettext as _

from opsdesk.exhibits.judging import BLOCK, largest
from opsdesk.exhibits.notnow import room_for_it
from shops.errors import Refused
from shops.imports.files import workplace

# What file managers add of themselves.
_NO_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_NO_FOLDERS = frozenset({"__MACOSX"})
# In bytes: room for some thousands, of which many may be folders.
LARGEST_DIRECTORY = 1 << 20
# In characters.
LONGEST_NAME = 1_000
_UTF8, _ENCRYPTED = 0x800, 0x1
_UNIX = 3


class ParcelRefused(Refused):
    """The parcel as a whole is no good: `reasons` says why, one by one."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("; ".join(self.reasons[:5]))


@dataclass(frozen=True)
class Parcel:
    """Files by the path that they have in the parcel, in forward slashes; each is opened by a call."""

    files: Mapping[str, Callable[[], IO[bytes]]]

    def find(self, name: str) -> str:
        """The path of the file that a row names by it, or by its last part alone. Refused otherwise."""
        if not self.files:
            raise Refused(
                _("“%(name)s” is named, but no files came along: send them too.") % {"name": _shown(name)}
            )
        asked = _plain(name)
        found = [asked] if asked in self.files else self._by_last_part.get(asked, ())
        if not found:
            raise Refused(_("“%(name)s” is not among the files.") % {"name": _shown(name)})
        if len(found) > 1:
            raise Refused(
                _("“%(name)s” stands more than once among the files: write the folder, too.")
                % {"name": _shown(name)}
            )
        return found[0]

    def open(self, path: str) -> IO[bytes]:
        """The file at a path that `find` has found. Refused where it is gone, or no plain file any more."""
        try:
            return self.files[path]()
        except OSError:
            raise Refused(
                _("“%(name)s” is not what it was when the folder was looked at.") % {"name": _shown(path)}
            ) from None

    @cached_property
    def _by_last_part(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.files:
            found[PurePosixPath(path).name].append(path)
        return found


@contextmanager
def unpacked(archive: IO[bytes] | Path) -> Iterator[Parcel]:
    """The files of a ZIP, in a place that is gone when the block ends. ParcelRefused, with what is wrong."""
    with ExitStack() as stack:
        if isinstance(archive, Path):
            archive = stack.enter_context(open(archive, "rb"))
        bounded = _WithinBounds(archive)
        try:
            packed = stack.enter_context(zipfile.ZipFile(bounded))
        # NotImplementedError is the library's word for a version of ZIP that it doesn't read.
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, struct.error):
            raise ParcelRefused([_("This is no ZIP, or a damaged one.")]) from None
        bounded.most = None
        entries = [entry for entry in packed.infolist() if not _is_furniture(_name_of(entry))]
        _refuse_too_many(len(entries))
        _refuse_wrong(entries)
        with room_for_it():
            directory = stack.enter_context(workplace())
            files = _unfold(packed, entries, directory)
        yield Parcel(files)


class _WithinBounds:
    """A ZIP of which no piece larger than `most` bytes is read, unless that is None.

    The library reads the list of a ZIP's files in one piece and makes an object of each before anybody could
    count them: a gigabyte of 100 MB. Held to this while it does, it can't be misled by what the ZIP says of
    its list, as an end of the list that is read here and one that it finds for itself could.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.most: int | None = LARGEST_DIRECTORY
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if self.most is None:
            return self._file.read(size)
        content = self._file.read(self.most + 1 if size < 0 else min(size, self.most + 1))
        if len(content) > self.most:
            raise _too_many()
        return content


@contextmanager
def folder(root: Path) -> Iterator[Parcel]:
    """The files of a folder and those within it. ParcelRefused where one is a link, or no file at all.

    What stands there when a file is opened is asked again: nobody leads out of the folder by a link that he
    puts in the place of what was looked at.
    """
    files: dict[str, str] = {}
    wrong: list[str] = []
    with ExitStack() as stack:
        place = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, place)
        for within, folders, names, at in os.fwalk(".", onerror=_raise, dir_fd=place):
            for name in (*folders, *names):
                path = posixpath.normpath(posixpath.join(within, name))
                mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
                if _is_furniture(path):
                    continue
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    wrong.append(_("“%(name)s” is a link, or no file at all.") % {"name": _shown(path)})
                elif any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
                    wrong.append(_("“%(name)s” can't be read as a name: rename it.") % {"name": _shown(path)})
                elif stat.S_ISREG(mode):
                    files[path] = path
            # No more are looked at than are taken.
            _refuse_too_many(len(files))
        wrong += _one_name(files)
        if wrong:
            raise ParcelRefused(sorted(wrong))
        yield Parcel({_plain(path): partial(_open_within, place, path) for path in files})


def _open_within(place: int, path: str) -> IO[bytes]:
    """A plain file below an open folder, reached without following a link anywhere."""
    *folders, name = path.split("/")
    with ExitStack() as stack:
        for part in folders:
            place = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
            stack.callback(os.close, place)
        # Without waiting: of a pipe nobody may ever write into the other end.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return open(file, "rb")


def _raise(error: OSError) -> NoReturn:
    raise error


def _one_name(names: Iterable[str]) -> list[str]:
    """Of names that some disks don't tell apart, because of capitals or of how an accent is written."""
    known: dict[str, str] = {}
    told = []
    for name in names:
        key = unicodedata.normalize("NFC", _plain(name).casefold())
        if key not in known:
            known[key] = name
        elif known[key] == name:
            told.append(_("“%(name)s” stands in the ZIP more than once.") % {"name": _shown(name)})
        else:
            told.append(
                _("“%(name)s” and “%(other)s” are one name to many disks: rename one of them.")
                % {"name": _shown(known[key]), "other": _shown(name)}
            )
    return told


def _refuse_too_many(count: int) -> None:
    if count > settings.EVIDENCE_PARCEL_FILES:
        raise _too_many()


def _too_many() -> ParcelRefused:
    most = settings.EVIDENCE_PARCEL_FILES
    return ParcelRefused([_("At most %(count)s files at once: divide the parcel.") % {"count": most}])


def _refuse_wrong(entries: Sequence[zipfile.ZipInfo]) -> None:
    wrong = [told for entry in entries if (told := _wrong_with(entry))]
    wrong += _one_name(_name_of(entry) for entry in entries)
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
        or len(name) > LONGEST_NAME
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


def _unfold(
    packed: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], directory: Path
) -> dict[str, Callable[[], IO[bytes]]]:
    """Each entry in a file of ours, counted as it really unfolds: what the ZIP says of sizes may be a lie."""
    left = settings.EVIDENCE_PARCEL_MAX_UNPACKED_MB << 20
    files: dict[str, Callable[[], IO[bytes]]] = {}
    for number, entry in enumerate(entries):
        name, one = _plain(_name_of(entry)), largest() << 20
        path = directory / str(number)
        with room_for_it(), open(path, "wb") as out:
            for block in _blocks(packed, entry):
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
        files[name] = partial(_open, path)
    return files


def _open(path: Path) -> IO[bytes]:
    return open(path, "rb")


def _blocks(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with packed.open(entry) as source:
            while block := source.read(BLOCK):
                yield block
    # RuntimeError is the library's word for a password, and for a way to pack that it doesn't know; places
    # that lie outside the ZIP come to the last two.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError):
        shown = {"name": _shown(_name_of(entry))}
        raise ParcelRefused([_("“%(name)s” is damaged in the ZIP.") % shown]) from None


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
