"""What an import wrote or would write, as people read it in a terminal. Called for `import`."""

from __future__ import annotations

from reconciler.core.proposing.adoption import Import, LeftOut, Noun
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.layout import Column, Paint, no_paint, table, wrap
from reconciler.render.text.names import name

COLUMNS = (Column("FILE", flexible=True), Column("DECLARES", flexible=True))


def drafts_text(done: Import) -> str:
    """The documents as one text that YAML readers take, each under the name of its file."""
    return "---\n".join(f"# {done.folder}/{draft.path}\n{draft.text}" for draft in done.drafts)


def import_text(done: Import, *, paint: Paint = no_paint) -> str:
    """The files, what was there before, what could not be read or described, and what to do next."""
    rows = [(terminal(draft.path), declares) for draft, declares in zip(done.drafts, _declares(done), strict=True)]
    sections = [
        table(COLUMNS, rows, paint=paint, indent=" ") if rows else [],
        _declared(done),
        _unread(done, paint),
        _left_out(done.adoption.left_out, paint),
        wrap(_last_line(done)),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _declares(done: Import) -> list[str]:
    hosts = {host.name: host for host in done.adoption.hosts}
    guests = {guest.name: guest for guest in done.adoption.guests}
    found = []
    for draft in done.drafts:
        if draft.kind == "Host":
            host = hosts[draft.name]
            found.append(f"host at {terminal(host.dialled)}, driver {terminal(host.driver)}")
        elif draft.kind == "Guest":
            guest = guests[draft.name]
            found.append(f"{guest.registration.state} on {terminal(guest.host)}")
        else:
            found.append("the fleet, mode report: nothing is changed")
    return found


def _declared(done: Import) -> list[str]:
    hosts, guests = done.adoption.declared_hosts, done.adoption.declared_guests
    if not hosts and not guests:
        return []
    counts = f"{words.counted(len(hosts), 'host')} and {words.counted(len(guests), 'guest')}"
    return wrap(f"Declared before and left as they are: {counts}.")


def _unread(done: Import, paint: Paint) -> list[str]:
    unread = done.adoption.unread
    if not unread:
        return []
    lines = [paint("bad", f"Not read: {words.counted(len(unread), 'host')}")]
    for look in unread:
        lines += wrap(f"{name(look.name)}: {terminal(look.reason)}", first="  ", rest="    ")
    more = "Guests may be there, too: import again when it answers. Until then nothing is started that may run there."
    return lines + wrap(more, first="  ", rest="  ")


def _left_out(left_out: tuple[LeftOut, ...], paint: Paint) -> list[str]:
    if not left_out:
        return []
    lines = [paint("warn", f"Cannot be described safely, and was not: {len(left_out)}")]
    for entry in left_out:
        where = f" on {', '.join(terminal(str(place)) for place in entry.places)}" if entry.places else ""
        lines += wrap(f"{entry.noun} {name(entry.name)}{where}", first="  ", rest="    ")
        lines += wrap(f"{entry.doubt}: {terminal(entry.text)}", first="    ", rest="      ")
    return lines


def _last_line(done: Import) -> str:
    hosts = words.counted(done.looked_at, "host")
    if not done.drafts:
        return f"Looked at {hosts}. Nothing new to describe."
    files = words.counted(len(done.drafts), "document")
    guests = sum(entry.noun is Noun.GUEST for entry in done.adoption.left_out)
    rest = f", {words.counted(guests, 'guest')} not described" if guests else ""
    if not done.written:
        return f"Looked at {hosts}: {files}{rest}. Nothing was written."
    return f"Looked at {hosts}. Wrote {files} to {terminal(done.folder)}{rest}. Commit them, then `reconciler plan`."
