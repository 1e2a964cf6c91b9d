"""Single values out of what libvirt and Linux print, where a recording holds no case of it."""

from __future__ import annotations

import pytest

from reconciler.drivers.libvirt.looking.parse import domain, files, machine, offers, states
from reconciler.drivers.libvirt.settings import settings_of
from reconciler.ssh.looks.sections import Unreadable
from tests.drivers.libvirt.looks.recorded import recorded

DOMAIN = """<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory unit='KiB'>1025</memory><vcpu>4</vcpu>{more}
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>{devices}</devices></domain>"""


def made(devices: str = "", more: str = "") -> domain.Domain:
    return domain.domain(DOMAIN.format(devices=devices, more=more))


def test_memory_is_rounded_up() -> None:
    assert 2 == made().memory_mib


@pytest.mark.parametrize(
    ("tuning", "entitlement", "cap"),
    [
        ("", 0, 100),
        ("<cputune><shares>2048</shares></cputune>", 50, 100),
        ("<cputune><shares>2</shares></cputune>", 1, 100),
        ("<cputune><quota>20000</quota></cputune>", 0, 20),
        ("<cputune><period>50000</period><quota>20000</quota></cputune>", 0, 40),
        ("<cputune><quota>-1</quota></cputune>", 0, 100),
        ("<cputune><quota>17592186044415</quota></cputune>", 0, 100),
        ("<cputune><period>0</period><quota>100000</quota></cputune>", 0, 100),
    ],
)
def test_shares_and_quota(tuning: str, entitlement: int, cap: int) -> None:
    found = made(more=tuning)
    assert (entitlement, cap) == (found.entitlement_percent(machine.WEIGHT), found.cap_percent)


@pytest.mark.parametrize(("mounted", "weight"), [("cgroup2fs\n", 100), ("tmpfs\n", 1024), ("", 1024)])
def test_what_a_cpu_weighs_is_up_to_the_version_of_control_groups(mounted: str, weight: int) -> None:
    assert weight == machine.weight_of_one_cpu(mounted)


@pytest.mark.parametrize(
    ("interface", "network"),
    [
        ("<interface type='bridge'><source bridge='br0'/></interface>", ("bridge:br0",)),
        ("<interface type='network'><source network='n' bridge='virbr0'/></interface>", ("network:n",)),
        (
            "<interface type='bridge'><source bridge='o'/><virtualport type='openvswitch'/></interface>",
            ("ovs:o",),
        ),
        ("<interface type='direct'><source dev='eth0' mode='bridge'/></interface>", ("direct:eth0",)),
        ("<interface type='user'/>", ()),
        ("<interface type='ethernet'/>", ("ethernet:",)),
    ],
)
def test_networks(interface: str, network: tuple[str, ...]) -> None:
    assert network == made(interface).networks


@pytest.mark.parametrize(
    ("devices", "more", "refused"),
    [
        ("", "", ()),
        ("<filesystem type='mount'/>", "", ("shared folder",)),
        ("<interface type='vhostuser'/>", "", ("vhost-user network",)),
        ("<memory model='nvdimm'/>", "", ("NVDIMM",)),
        ("<disk type='file' device='disk'><mirror type='file'/></disk>", "", ("disk copy under way",)),
        ("<graphics type='spice'><gl enable='yes'/></graphics>", "", ("3D acceleration",)),
        ("<graphics type='spice'><gl enable='no'/></graphics>", "", ()),
        ("", "<launchSecurity type='sev'/>", ("encrypted memory",)),
        ("", "<qemu:commandline><qemu:arg value='-x'/></qemu:commandline>", ("QEMU arguments of its own",)),
        ("", "<cpu><feature policy='require' name='invtsc'/></cpu>", ("invariant TSC without a frequency",)),
        (
            "",
            "<cpu><feature policy='require' name='invtsc'/></cpu><clock><timer name='tsc' frequency='1'/></clock>",
            (),
        ),
    ],
)
def test_what_does_not_go_along(devices: str, more: str, refused: tuple[str, ...]) -> None:
    assert refused == made(devices, more).refused


@pytest.mark.parametrize(
    ("tpm", "kind"),
    [
        ("", "none"),
        ("<tpm><backend type='emulator' version='2.0'/></tpm>", "emulator"),
        ("<tpm><backend type='passthrough'/></tpm>", "passthrough"),
        ("<tpm/>", "unknown"),
    ],
)
def test_tpms(tpm: str, kind: str) -> None:
    assert kind == made(tpm).tpm


def test_nvram_in_both_ways_of_writing_it() -> None:
    assert "/a" == made(more="<os><nvram>/a</nvram></os>").nvram
    assert "/b" == made(more="<os><nvram type='file'><source file='/b'/></nvram></os>").nvram


def test_a_path_that_nobody_could_write_down_is_none() -> None:
    (device,) = made("<disk type='file' device='disk'><source file='/a&#10;b'/><target dev='vda'/></disk>").devices
    assert ("vda", "") == (device.target, device.path)


# ----------------------------------------------------------------------------------------------------------- migrations


def test_a_migration_that_does_not_come_to_its_end() -> None:
    found = states.migration(recorded("domjobinfo-running-nonconverging"))
    assert found is not None
    assert (36, 111, 8.024, 24) == (found.moved_mib, found.remaining_mib, found.rate_mib_s, found.progress_percent)


@pytest.mark.parametrize("name", ["domjobinfo-aborted", "domjobinfo-completed-source"])
def test_what_is_over_is_no_migration(name: str) -> None:
    assert states.migration(recorded(name)) is None


def test_a_job_of_another_kind_is_no_migration() -> None:
    text = "Job type:         Unbounded\nOperation:        Save\nData processed:   1.000 MiB\n"
    assert (None, "save") == (states.migration(text), states.job(text))


def test_a_migration_that_has_only_begun_has_no_figures() -> None:
    found = states.migration("Job type:         Unbounded\nOperation:        Outgoing migration\n")
    assert states.Migration() == found
    assert found.progress_percent is None


# ---------------------------------------------------------------------------------------------------------------- files

MOUNTS = r"""21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 0:40 / /srv/with\040blank rw shared:1 - nfs4 nas:/vol rw
23 21 0:41 /below /srv/part rw - nfs nas:/vol rw
24 21 0:42 / /srv/twice rw - ext4 /dev/sdb rw
25 24 0:43 / /srv/twice rw - ceph 10.0.0.1:/ rw
"""


@pytest.mark.parametrize(
    ("path", "store"),
    [
        ("/srv/with blank/a", "nfs4 nas:/vol at /srv/with blank"),
        ("/srv/with blank", "nfs4 nas:/vol at /srv/with blank"),
        ("/srv/with blanks/a", ""),
        ("/srv/part/a", "nfs nas:/vol[/below] at /srv/part"),
        ("/srv/twice/a", "ceph 10.0.0.1:/ at /srv/twice"),
        ("/a", ""),
    ],
)
def test_where_a_path_lies(path: str, store: str) -> None:
    found = files.mount_of(files.mounts(MOUNTS), path)
    assert found is not None
    assert store == found.store


def header(version: int, backing: int, snapshots: int, features: int = 0) -> str:
    raw = files.QCOW2_HEADER.pack(b"QFI\xfb", version, backing, 0, 16, 1, 0, 1, 1, 1, 1, snapshots, 0)
    return (raw + features.to_bytes(8, "big") + bytes(24)).hex(" ")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (header(3, 0, 0), files.Header(True)),
        (header(2, 0, 0, 4), files.Header(True)),
        (header(3, 512, 0), files.Header(True, backed=True)),
        (header(3, 0, 0, files.DATA_FILE), files.Header(True, backed=True)),
        (header(3, 0, 2), files.Header(True, snapshots=2)),
        ("00 01", files.Header(False)),
        (header(3, 0, 0)[:90], None),
    ],
)
def test_beginnings_of_images(line: str, told: files.Header | None) -> None:
    assert told == files.headers(f"/a b\n {line}\n").get("/a b")


def test_logical_volumes_and_their_sizes() -> None:
    text = "2048 LVM-abc /dev/vg/a\n2049 - /dev/sdb\n- - /dev/gone\nod: error\n"
    assert {"/dev/vg/a": (1, True), "/dev/sdb": (2, False)} == files.sizes(text)


def test_two_names_of_one_device_are_one() -> None:
    found = files.files("61b0 0 5 7 fd 1 /dev/dm-1\n61b0 0 5 9 fd 1 /dev/vg/a\n81a4 5 fe00 7 0 0 /a b\nstat: no\n")
    assert found["/dev/dm-1"].identity == found["/dev/vg/a"].identity != found["/a b"].identity
    assert (True, False, 5) == (found["/dev/vg/a"].block, found["/a b"].block, found["/a b"].size)


def test_free_room() -> None:
    head = "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
    assert 2 == files.room_mib(f"{head}/dev/sda 9 1 2048 10% /a b%\n")
    with pytest.raises(Unreadable):
        files.room_mib(f"{head}/dev/sda 9 1 2048 10% /\n/dev/sdb 9 1 2048 10% /b\n")


# ---------------------------------------------------------------------------------------------------- what is offered


def test_an_answer_about_another_model_says_nothing_of_the_one_asked_about() -> None:
    asked = offers.model_question("kvm", "EPYC-Milan")
    text = "<cpu mode='custom'><model>EPYC</model><feature policy='disable' name='a'/></cpu>"
    with pytest.raises(Unreadable):
        offers.expansion(asked, text)
    assert {"a"} == offers.expansion(offers.model_question("kvm", "EPYC"), text)
    assert set() == offers.expansion(offers.offer_question("kvm", offers.Cpu(model="EPYC")), text)


@pytest.mark.parametrize("word", ["a'/>", "", "-a", "a b", "a" * 65])
def test_a_feature_with_a_hostile_name_is_not_read(word: str) -> None:
    text = f"<cpu mode='custom'><model>EPYC</model><feature policy='require' name=\"{word}\"/></cpu>"
    with pytest.raises(Unreadable):
        offers.expansion(offers.model_question("kvm", "EPYC"), text)


def test_a_hypervisor_that_is_not_qemu_has_no_version() -> None:
    with pytest.raises(Unreadable):
        machine.qemu_version("Running hypervisor: Xen 4.1\n")


# ------------------------------------------------------------------------------------------------------------- settings


def test_settings_of_a_host_come_before_those_of_all() -> None:
    settings = settings_of(
        {
            "record_folder": "/r",
            "copy_folder": "/c",
            "shared_paths": ["/srv/san/", "/dev/mapper"],
            "host_reserve_mib": 5,
            "hosts": {"h1": {"host_reserve_mib": 9, "processor_family": 6, "processor_model": 0}},
        }
    )
    assert ("/r", "/c", ("/dev/mapper", "/srv/san")) == (
        settings.record_folder,
        settings.usually.copy_folder,
        settings.usually.shared_paths,
    )
    assert (5, 9) == (settings.usually.host_reserve_mib, settings.stated["h1"].host_reserve_mib)
    assert settings.stated["h1"].processor is not None
    assert settings.usually.processor is None
