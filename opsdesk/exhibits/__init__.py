"""Files that support an appeal: judged by what is in them, drawn anew for the eye, kept as they came."""

from opsdesk.exhibits.judging import ENDINGS, Judged, Kind, judge
from opsdesk.exhibits.keeping import Shelf, content_of, shelf, view_of
from opsdesk.exhibits.names import as_name, to_be_saved_as
from opsdesk.exhibits.parcels import Parcel, ParcelRefused, folder, unpacked

__all__ = [
    "ENDINGS",
    "Judged",
    "Kind",
    "Parcel",
    "ParcelRefused",
    "Shelf",
    "as_name",
    "content_of",
    "folder",
    "judge",
    "shelf",
    "to_be_saved_as",
    "unpacked",
    "view_of",
]
