"""What an import wrote or would write, as JSON. Called for `import -o json`."""

from __future__ import annotations

from reconciler.core.proposing.adoption import Import
from reconciler.core.reports.json_values import Json, headed, plain


def import_json(done: Import) -> Json:
    """Every new document with its text, and everything that was not described."""
    adoption = done.adoption
    return headed(
        "Import",
        {
            "fleet": done.fleet,
            "folder": done.folder,
            "written": done.written,
            "documents": [
                {"path": draft.path, "declares": draft.kind, "name": draft.name, "text": draft.text}
                for draft in done.drafts
            ],
            "declared_hosts": list(adoption.declared_hosts),
            "declared_guests": list(adoption.declared_guests),
            "left_out": [plain(entry) for entry in adoption.left_out],
            "unread": [{"host": look.name, "reason": look.reason} for look in adoption.unread],
        },
    )
