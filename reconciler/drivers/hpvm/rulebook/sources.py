"""The manuals that the rules of Integrity VM rest on.

Printed by the reference page; the sources that rules name begin with these words. Decides nothing.
"""

from __future__ import annotations

TITLES = {
    "Integrity VM 4.0 manual": "HP Integrity Virtual Machines 4.0: Installation, Configuration, and Administration",
    "Integrity VM 4.2 manual": "HP Integrity Virtual Machines 4.2: Installation, Configuration, and Administration",
    "Integrity VM 4.2 release notes": "HP Integrity Virtual Machines 4.2 Release Notes",
    "Integrity VM 4.3 manual": "HP Integrity Virtual Machines 4.3: Installation, Configuration, and Administration",
    "Integrity VM 6.1 guide": "HP-UX vPars and Integrity VM V6.1 Administrator Guide",
    "Integrity VM 6.1 release notes": "HP vPars and Integrity Virtual Machines V6.1 Release Notes",
    "Integrity VM 6.3 guide": "HP-UX vPars and Integrity VM V6.3 Administrator Guide",
    "Integrity VM 6.3 release notes": "HP-UX vPars and Integrity VM V6.3 Release Notes (762790-001, July 2014)",
}
"""What a source begins with, and the full title to look for."""
