"""What `check` found as a JSON document. Called for `check -o json`."""

from __future__ import annotations

from reconciler.core.reports.checks import CheckReport
from reconciler.core.reports.json_values import Json, headed, plain


def check_json(report: CheckReport) -> Json:
    """All of it; whether an assumption holds is told host by host."""
    return headed(
        "Check",
        {
            "sound": report.sound,
            "hosts": plain(report.hosts),
            "pairs": report.pairs,
            "guests": report.guests,
            "findings": plain(report.findings),
            "assumptions": [
                {"id": entry.id, "assumed": entry.assumed, "hosts": {host: holds.value for host, holds in entry.hosts}}
                for entry in report.assumptions
            ],
        },
    )
