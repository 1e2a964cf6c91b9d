"""What differs, and what is wrong with documents, as JSON. Called for `diff -o json` and `validate -o json`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.desired import Commit, DesiredFleet
from reconciler.core.desired.violations import Violation
from reconciler.core.diff import Diff, Finding
from reconciler.core.reports.json_values import Json, headed, plain, plain_fields
from reconciler.errors import Problem


def diff_json(difference: Diff, fleet: str, commit: Commit | None = None, violations: Sequence[Violation] = ()) -> Json:
    """Every guest, also those in place, every host that nothing may be done with, and what is wrong with the declared
    end state."""
    found = [guest.finding for guest in difference.guests]
    return headed(
        "Diff",
        {
            "fleet": fleet,
            "commit": commit.id if commit else "",
            "converged": difference.converged,
            "counts": {finding.value: found.count(finding) for finding in Finding if finding in found},
            **plain_fields(difference),
            "violations": plain(tuple(violations)),
        },
    )


def validation_json(
    desired: DesiredFleet | None, problems: Sequence[Problem], violations: Sequence[Violation] = ()
) -> Json:
    """What the documents declare, where that can be told, and what is wrong with them. `held` tells whether the whole
    commit is held; otherwise each problem only keeps its own guest from being touched."""
    return headed(
        "Validation",
        {
            "valid": not problems and not any(each.required for each in violations),
            "held": desired is None,
            "fleet": desired.fleet.name if desired else "",
            "hosts": len(desired.hosts) if desired else 0,
            "guests": len(desired.guests) if desired else 0,
            "quarantined": sorted(desired.quarantined) if desired else [],
            "problems": [
                plain(problem) for problem in sorted(problems, key=lambda found: (found.location, found.code))
            ],
            "violations": plain(tuple(violations)),
        },
    )
