"""JSON documents, one module a noun; each has a schema in schemas/output/ and begins with apiVersion and kind.

Durations are in seconds (`_s`), memory in MiB (`_mib`), moments are text such as 2026-11-23T20:15:04Z.
"""
