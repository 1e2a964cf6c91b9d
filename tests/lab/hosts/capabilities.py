"""What libvirtd remembers of its QEMU, and how to take something out of it.

Called by the machine, with the text of a file of libvirtd's cache. Knows as much of its format as that takes.
"""

from __future__ import annotations

import re


def without_machine(text: str, name: str) -> str:
    """As of a QEMU that lacks this machine type. What it was the newest of, and the default, is the next one then."""
    for element in re.findall(rf"\n *<machine [^>]*name='{re.escape(name)}'[^>]*/>", text):
        text = text.replace(element, "")
        heirs = re.findall(rf"<machine {_kind(element)}name='{_family(name)}[^>]*/>", text)
        extra = "".join(re.findall(r" (?:alias|default)='[^']*'", element))
        if heirs and extra:
            heir = max(heirs, key=_version)
            text = text.replace(heir, heir.replace("/>", f"{extra}/>"))
    return text


def without_cpu_model(text: str, name: str) -> str:
    """As of a QEMU that lacks this processor model."""
    element = rf"\n *<cpu [^>]*name='{re.escape(name)}'[^>]*"
    text = re.sub(rf"{element}/>", "", text)
    return re.sub(rf"{element}[^/]>.*?</cpu>", "", text, flags=re.DOTALL)


def without_cpu_feature(text: str, name: str) -> str:
    """As of a machine whose processor lacks this feature, and a QEMU that does not make up for it."""
    has = rf"(<property name='{re.escape(name)}' type='boolean') value='true'[^>]*/>"
    return re.sub(has, r"\1 value='false'/>", text)


def _kind(element: str) -> str:
    """The attribute before the name: each accelerator has a list of its own."""
    return "".join(re.findall(r"type='[^']*' ", element))


def _family(name: str) -> str:
    """`pc-i440fx-` of pc-i440fx-7.2."""
    return re.escape(re.sub(r"[\d.]+$", "", name))


def _version(element: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"name='\D*(?:i440fx|q35)?-([\d.]+)'", element)[0].split("."))
