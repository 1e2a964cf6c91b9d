"""The stable names of everything that can be wrong with documents.

Used wherever this folder makes a problem. A name never changes its meaning; docs/reference/problems.md gives each one
its cause and remedy, and a test says when one is missing there.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """What is wrong, in kebab-case."""

    # the folder and its files
    BAD_PATH = "bad-path"
    SYMLINK = "symlink-in-desired-state"
    FILE_UNREADABLE = "file-unreadable"
    DOCUMENT_TOO_LARGE = "document-too-large"
    TOO_MANY_DOCUMENTS = "too-many-documents"
    DESIRED_STATE_TOO_LARGE = "desired-state-too-large"

    # text that is not the YAML we read
    NOT_UTF_8 = "not-utf-8"
    CONTROL_CHARACTER = "control-character"
    TAB_INDENTATION = "tab-indentation"
    YAML_SYNTAX = "yaml-syntax"
    DOCUMENT_TOO_COMPLEX = "document-too-complex"
    DUPLICATE_KEY = "duplicate-key"
    KEY_NOT_TEXT = "key-not-text"
    ALIAS_REFUSED = "alias-refused"
    TAG_REFUSED = "tag-refused"
    MERGE_KEY_REFUSED = "merge-key-refused"
    NUMBER_OUT_OF_RANGE = "number-out-of-range"

    # one document
    NOT_A_DOCUMENT = "not-a-document"
    UNKNOWN_KIND = "unknown-kind"
    UNKNOWN_API_VERSION = "unknown-api-version"
    UNKNOWN_FIELD = "unknown-field"
    MISSING_FIELD = "missing-field"
    WRONG_TYPE = "wrong-type"
    UNKNOWN_WORD = "unknown-word"
    MALFORMED_VALUE = "malformed-value"
    VALUE_OUT_OF_RANGE = "value-out-of-range"
    BAD_NAME = "bad-name"
    BAD_LABEL = "bad-label"
    UNKNOWN_DRIVER = "unknown-driver"
    RULE_UNCLEAR = "rule-unclear"
    DOCUMENT_INVALID = "document-invalid"

    # documents that do not fit together
    NO_FLEET = "no-fleet"
    SEVERAL_FLEETS = "several-fleets"
    DUPLICATE_NAME = "duplicate-name"
    DUPLICATE_UUID = "duplicate-uuid"
    DUPLICATE_ADDRESS = "duplicate-address"
    DUPLICATE_NETWORK = "duplicate-network"
    UNKNOWN_NETWORK = "unknown-network"
    GUEST_ON_UNKNOWN_HOST = "guest-on-unknown-host"
    UNKNOWN_WINDOW = "unknown-window"
    RULE_ON_UNKNOWN_GUEST = "rule-on-unknown-guest"

    # a change that was to be written
    EDIT_REFUSED = "edit-refused"
