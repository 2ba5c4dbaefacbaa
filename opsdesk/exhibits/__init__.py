"""Files that support an appeal: judged by what is in them, drawn anew for the eye, kept as they came."""

from opsdesk.exhibits.judging import ENDINGS, Judged, Kind, Read, draw, read
from opsdesk.exhibits.keeping import SMALL, Altered, Shelf, original_of, shelf, view_of
from opsdesk.exhibits.names import as_name, to_be_saved_as
from opsdesk.exhibits.notnow import NotNow, room_for_it
from opsdesk.exhibits.parcels import Parcel, ParcelRefused, folder, unpacked

__all__ = [
    "ENDINGS",
    "SMALL",
    "Altered",
    "Judged",
    "Kind",
    "NotNow",
    "Parcel",
    "ParcelRefused",
    "Read",
    "Shelf",
    "as_name",
    "draw",
    "folder",
    "original_of",
    "read",
    "room_for_it",
    "shelf",
    "to_be_saved_as",
    "unpacked",
    "view_of",
]
