"""YAML text to the documents of a fleet, with a line number for everything that is wrong with it.

    files ─► reading (yaml_text ─► schemas ─► explain) ─► loading ─► Loaded: a DesiredFleet, or why there is none

`load` takes the files of a commit; `read_folder` reads those of a folder.
Called by loop/ and cli/. Never asks a host or git anything.
"""

from reconciler.documents.codes import Code
from reconciler.documents.folder import read_folder
from reconciler.documents.limits import READ_LIMITS, ReadLimits
from reconciler.documents.loading import FileCache, Loaded, load
from reconciler.documents.names import quoted
from reconciler.documents.schemas import API_VERSION, Kind, schema_folder

__all__ = [
    "API_VERSION",
    "READ_LIMITS",
    "Code",
    "FileCache",
    "Kind",
    "Loaded",
    "ReadLimits",
    "load",
    "quoted",
    "read_folder",
    "schema_folder",
]
