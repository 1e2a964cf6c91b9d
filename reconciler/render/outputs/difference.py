"""What differs, and what is wrong with documents, as JSON. Called for `diff -o json` and `validate -o json`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.desired import Commit, DesiredFleet
from reconciler.core.diff import Diff, Finding
from reconciler.core.reports.json_values import Json, headed, plain, plain_fields
from reconciler.errors import Problem


def diff_json(difference: Diff, fleet: str, commit: Commit | None = None) -> Json:
    """Every guest, also those in place, and every host that nothing may be done with."""
    found = [guest.finding for guest in difference.guests]
    return headed(
        "Diff",
        {
            "fleet": fleet,
            "commit": commit.id if commit else "",
            "converged": difference.converged,
            "counts": {finding.value: found.count(finding) for finding in Finding if finding in found},
            **plain_fields(difference),
        },
    )


def validation_json(desired: DesiredFleet | None, problems: Sequence[Problem]) -> Json:
    """What the documents declare, where that can be told, and what is wrong with them. `held` tells whether the whole
    commit is held; otherwise each problem only keeps its own guest from being touched."""
    return headed(
        "Validation",
        {
            "valid": not problems,
            "held": desired is None,
            "fleet": desired.fleet.name if desired else "",
            "hosts": len(desired.hosts) if desired else 0,
            "guests": len(desired.guests) if desired else 0,
            "quarantined": sorted(desired.quarantined) if desired else [],
            "problems": [
                plain(problem) for problem in sorted(problems, key=lambda found: (found.location, found.code))
            ],
        },
    )
