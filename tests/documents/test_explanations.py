"""Each way to break a schema, and what its author is told: what, where, and what to write instead."""

from __future__ import annotations

import pytest

from reconciler.documents.reading import read_file
from reconciler.errors import Problem
from tests.documents.examples import FLEET, GUEST, HOST

MIGRATION = GUEST + "  migration:\n    "
LABELS = GUEST.replace("name: web\n", "name: web\n  labels: {LABEL}\n")

NAME = "a name: 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or a digit"
SIZE = "a size in whole MiB, GiB or TiB (1 GiB = 1024 MiB)"
DURATION = "a duration in whole days, hours, minutes and seconds, in this order"
LABEL = "up to 63 letters, digits, dots, dashes and underscores, a letter or digit at both ends"

CASES = [
    ("a misspelt field", GUEST.replace("host:", "hots:"),
     ["5:1 missing-field: spec.host is missing | add it, for example host: vmhost-a",
      '6:3 unknown-field: spec has no field "hots" | did you mean "host"? '
      "allowed: autostart, cpu, host, memory, migration, power, suspend, uuid"]),
    ("a field in the wrong place", GUEST + "  downtime: allowed\n",
     ['7:3 unknown-field: spec has no field "downtime" | it belongs under spec.migration']),
    ("a field nobody knows", GUEST + "  colour: red\n",
     ['7:3 unknown-field: spec has no field "colour" | '
      "allowed: autostart, cpu, host, memory, migration, power, suspend, uuid"]),
    ("wrong capitals", GUEST.replace("apiVersion", "apiversion"),
     ["1:1 missing-field: apiVersion is missing | add it, for example apiVersion: reconciler/v1alpha1",
      '1:1 unknown-field: the document has no field "apiversion" | did you mean "apiVersion"? '
      "allowed: apiVersion, kind, metadata, spec"]),
    ("an older version", GUEST.replace("v1alpha1", "v0"),
     ['1:13 unknown-api-version: apiVersion is "reconciler/v0", which this version does not read'
      " | write reconciler/v1alpha1"]),
    ("no spec", GUEST[: GUEST.index("spec")],
     ["1:1 missing-field: spec is missing | add it, for example spec: {host: vmhost-a}"]),
    ("an empty spec", GUEST.replace("  host: h1\n", ""),
     ["5:1 wrong-type: spec is empty and must be a mapping"
      " | for example {host: vmhost-a} or {host: vmhost-b, power: running}"]),
    ("a word that is none of the words", GUEST + "  power: runing\n",
     ['7:10 unknown-word: spec.power is "runing", which is none of the allowed words'
      ' | did you mean "running"? allowed: keep, running, stopped']),
    ("a truth value for a word", GUEST + "  power: true\n",
     ["7:10 unknown-word: spec.power is the truth value true, which is none of the allowed words"
      " | allowed: keep, running, stopped"]),
    ("yes for a word", MIGRATION + "downtime: yes\n",
     ['8:15 unknown-word: spec.migration.downtime is "yes", which is none of the allowed words'
      ' | did you mean "allowed"? allowed: allowed, forbidden']),
    ("false for a word", GUEST + "  autostart: false\n",
     ["7:14 unknown-word: spec.autostart is the truth value false, which is none of the allowed words"
      ' | did you mean "off"? allowed: keep, off, on']),
    ("text for a number", MIGRATION + 'attempts: "3"\n',
     ['8:15 wrong-type: spec.migration.attempts is "3" and must be a whole number | for example 5']),
    ("a fraction for a whole number", MIGRATION + "attempts: 2.5\n",
     ["8:15 wrong-type: spec.migration.attempts is the number 2.5 and must be a whole number | for example 5"]),
    ("too large a number", MIGRATION + "attempts: 21\n",
     ["8:15 value-out-of-range: spec.migration.attempts is 21 and must be from 1 to 20 | for example 5"]),
    ("too small a number", FLEET.replace("mode: apply", "limits: {concurrent: 0}"),
     ["4:29 value-out-of-range: spec.limits.concurrent is 0 and must be from 1 to 256 | for example 8"]),
    ("a wrong unit", HOST.replace("simulated", "simulated, capacity: {memory: 4GB}"),
     [f'4:46 malformed-value: spec.capacity.memory is "4GB" and must be {SIZE} | for example 192GiB or 1TiB']),
    ("no unit", HOST.replace("simulated", "simulated, capacity: {memory: 4096}"),
     [f"4:46 wrong-type: spec.capacity.memory is the number 4096 and must be {SIZE} | for example 192GiB or 1TiB"]),
    ("a duration in words", MIGRATION + "stop: {graceful: 5 minutes}\n",
     [f'8:22 malformed-value: spec.migration.stop.graceful is "5 minutes" and must be {DURATION}'
      " | for example 10m or 1h30m"]),
    ("an empty duration", MIGRATION + 'stop: {graceful: ""}\n',
     [f'8:22 malformed-value: spec.migration.stop.graceful is "" and must be {DURATION}'
      " | for example 10m or 1h30m"]),
    ("no time to stop in", MIGRATION + "stop: {graceful: 0s}\n",
     ['8:22 value-out-of-range: spec.migration.stop.graceful is "0s" and must be from 1s to 1d'
      " | for example 5m or 1h30m"]),
    ("pauses that get shorter", FLEET.replace("mode: apply", "retry: {backoff: 2h}"),
     ["4:25 value-out-of-range: the longest pause (1h) is shorter than the first one (2h)"
      " | raise spec.retry.backoffMax or lower spec.retry.backoff"]),
    ("no uuid", GUEST + "  uuid: 6f1c\n",
     ['7:9 malformed-value: spec.uuid is "6f1c" and must be a UUID'
      " | for example 6f1c3a52-8d4e-4b7a-9c01-2f5e8d7a6b90"]),
    ("a hostile host", GUEST.replace("h1", '"h1; \\e[31mreboot"'),
     [f'6:9 bad-name: spec.host is "h1; \\x1b[31mreboot" and must be {NAME} | for example vmhost-a']),
    ("a name with a newline", GUEST.replace("name: web", 'name: "web\\n"'),
     [f'4:9 bad-name: metadata.name is "web\\n" and must be {NAME} | for example web01']),
    ("a number for a label", LABELS.replace("LABEL", "version: 1.10"),
     [f"5:21 wrong-type: metadata.labels.version is the number 1.1 and must be a label value: {LABEL}"
      " | put it in quotes"]),
    ("a bad label", LABELS.replace("LABEL", "a: b c"),
     [f'5:15 bad-label: metadata.labels.a is "b c" and must be a label value: {LABEL} | for example shop or 1.10']),
    ("a bad label key", LABELS.replace("LABEL", "a b: c"),
     [f'5:12 bad-label: "a b" in metadata.labels is not a label key: {LABEL},'
      " after an optional lower-case domain and a slash"
      " | write it like app or example.org/app"]),
    ("too many labels", LABELS.replace("LABEL", ", ".join(f"l{i}: x" for i in range(33))),
     ["5:3 bad-label: metadata.labels has 33 entries, and 32 are allowed | remove some"]),
    ("a driver that does not exist", HOST.replace("simulated", "simulatd"),
     ['4:16 unknown-driver: spec.driver is "simulatd", which is none of the allowed words'
      ' | did you mean "simulated"? allowed: hpvm, libvirt, simulated']),
    ("a list for a document", "- a\n",
     ["1:1 not-a-document: a document is a mapping with apiVersion, kind, metadata and spec; this one is a list"]),
    ("no kind", "a: 1\n",
     ["1:1 unknown-kind: the document does not say its kind | allowed: Fleet, Guest, Host, PlacementRule"]),
    ("a misspelt kind", GUEST.replace("Guest", "Guset"),
     ['2:7 unknown-kind: kind is "Guset", and there is none such'
      ' | did you mean "Guest"? allowed: Fleet, Guest, Host, PlacementRule']),
    ("labels on a fleet", FLEET.replace("name: example", "name: example, labels: {}"),
     ['3:27 unknown-field: metadata has no field "labels" | allowed: name']),
]  # fmt: skip


def problems_of(text: str) -> list[Problem]:
    """What is wrong with the documents of one file, each by itself."""
    return [problem for document in read_file("f.yaml", text.encode()).documents for problem in document.problems]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_violation_is_explained(text: str, expected: list[str]) -> None:
    told = []
    for problem in problems_of(text):
        place = str(problem.location).removeprefix("f.yaml:")
        told.append(f"{place} {problem.code}: {problem.what}" + (f" | {problem.hint}" if problem.hint else ""))
    assert expected == told


def test_a_document_has_a_bounded_number_of_problems() -> None:
    fields = "".join(f"  strange{number}: 1\n" for number in range(100))
    assert len(problems_of(GUEST + fields)) == 20
