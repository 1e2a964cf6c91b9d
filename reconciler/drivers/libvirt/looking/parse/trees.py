"""XML that may be read. Called by the parsers; knows no element.

libvirt writes neither document types nor entities: a text with one of them is not its own, and is not read. That is
what makes the parser of the standard library safe for text of a host.
"""

from __future__ import annotations

from xml.etree import ElementTree

from reconciler.ssh.looks.sections import Unreadable

FORBIDDEN = ("<!DOCTYPE", "<!ENTITY")

Element = ElementTree.Element


def tree(text: str, root: str, *, what: str) -> Element:
    """The element that the text is. Raises Unreadable for anything else than one of this name."""
    if any(word in text for word in FORBIDDEN):
        raise Unreadable(f"{what}: XML with declarations of its own", text)
    try:
        found = ElementTree.fromstring(text.strip())  # noqa: S314 - declarations were refused above
    except (ElementTree.ParseError, ValueError) as error:
        raise Unreadable(f"{what}: not XML", text) from error
    if found.tag != root:
        raise Unreadable(f"{what}: not <{root}>", text)
    return found


def value(element: Element, path: str) -> str:
    """The text of the first element there, without what stands around it; "" where there is none."""
    return (element.findtext(path) or "").strip()


def attribute(element: Element, path: str, name: str) -> str:
    """An attribute of the first element there; "" where there is none."""
    found = element.find(path)
    return "" if found is None else found.get(name, "")
