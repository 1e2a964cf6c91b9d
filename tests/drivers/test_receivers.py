"""Which addresses documents may name for the memory of guests: the settings decide, for every network (promise I9)."""

from __future__ import annotations

import pytest

from reconciler.core.desired import Host
from reconciler.drivers.over_ssh import check_receiver
from reconciler.errors import Location
from reconciler.ssh.looks.sections import Unreadable

HERE = Location("host.yaml")
ALLOWED = ("10.1.0.0/16", "*-migr")


def test_addresses_that_the_settings_allow_pass() -> None:
    named = {"fast": "10.1.0.5", "spare": "a-migr"}
    check_receiver(Host("a", "libvirt", HERE, migration_addresses=named), ALLOWED)


@pytest.mark.parametrize("address", ["192.0.2.9", "a.example.org"])
def test_a_host_with_an_address_on_any_network_that_they_do_not_allow_is_not_read(address: str) -> None:
    host = Host("a", "libvirt", HERE, migration_address="a-migr", migration_addresses={"fast": address})
    with pytest.raises(Unreadable, match=address):
        check_receiver(host, ALLOWED)
