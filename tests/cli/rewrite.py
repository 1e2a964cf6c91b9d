"""`python -m tests.cli.rewrite`: write the pages on commands and settings anew. Then read the diff."""

from __future__ import annotations

import json
from pathlib import Path

from reconciler.cli.reference import command_line_page, settings_page
from reconciler.documents import schema_folder

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def pages() -> dict[Path, str]:
    """Where each page lies, and what it shall say."""
    schema = json.loads((schema_folder() / "settings.schema.json").read_text(encoding="utf-8"))
    return {FOLDER / "command-line.md": command_line_page(), FOLDER / "settings.md": settings_page(schema)}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
