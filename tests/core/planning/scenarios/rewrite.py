"""`python -m tests.core.planning.scenarios.rewrite`: write the plans of all scenarios anew. Then read the diff as if a
stranger had sent it."""

from __future__ import annotations

from tests.core.planning.scenarios.scenario import Scenario, scenarios

if __name__ == "__main__":
    for path in scenarios():
        path.write_text(Scenario.read(path).text(), encoding="utf-8")
