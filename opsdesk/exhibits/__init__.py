"""Files that support an appeal: judged by what is in them, drawn anew for the eye, kept as they came."""

from opsdesk.exhibits.judging import Judged, Kind, judge
from opsdesk.exhibits.keeping import Shelf, content_of, shelf, view_of
from opsdesk.exhibits.names import as_name
from opsdesk.exhibits.parcels import Parcel, ParcelRefused, folder, unpacked

__all__ = [
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
    "unpacked",
    "view_of",
]
