"""How much text is read before we say no. Given to every function here that reads; decides nothing by itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadLimits:
    """Each is checked before the work it bounds: a file by its size, a document while its nodes are counted."""

    file_bytes: int = 1024 * 1024
    files: int = 100_000
    total_bytes: int = 256 * 1024 * 1024
    documents_per_file: int = 5_000
    nodes_per_document: int = 2_000
    """Keys and values together; a guest with every field and 32 labels has about 120."""
    depth: int = 16
    """Collections inside each other; our own documents need 4."""
    digits: int = 15
    """Of a number: as many as every JSON reader keeps exactly."""
    problems_per_document: int = 20
    path_characters: int = 1024


READ_LIMITS = ReadLimits()
