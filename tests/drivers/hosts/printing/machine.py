"""`machinfo` and `hpvminfo`: a host's processors and memory. Literal: plain 11.31, plain 11.23, head of `-v`.

Pure.
"""

from __future__ import annotations

from tests.drivers.hosts.printing.rows import HostRow

HPVMINFO = "hpvminfo: Running on an HPVM host.\n"
BLANKS = " " * 15
"""Behind a line of 11.23 that ends in them."""
INVALID_OPTION = "machinfo: illegal option -- v\nUsage: machinfo\n"


def machinfo(host: HostRow) -> str:
    """As HP-UX 11.31 prints it without options."""
    firmware = host.firmware
    return f"""\
CPU info:
  {_cpus(host)}
          {host.bus}
{_logical(host)}
Memory: {host.memory_mb} MB ({host.memory_mb / 1024:.2f} GB)

Firmware info:
   Firmware revision:  {firmware.revision}
   FP SWA driver revision: {firmware.swa}
   IPMI is supported on this system.
   BMC firmware revision: {firmware.bmc}

Platform info:
   Model:                  "{firmware.model}"
   Machine ID number:      {host.machine_id}
   Machine serial number:  {firmware.serial}

OS info:
   Nodename:  {host.name}
   Release:   HP-UX B.11.31
   Version:   U (unlimited-user license)
   Machine:   ia64
   ID Number: {firmware.id_number}
{firmware.ending}"""


def machinfo_verbose(host: HostRow) -> str:
    """As HP-UX 11.31 prints it with `-v`: family and model as numbers."""
    _, memory, rest = machinfo(host).partition("\nMemory: ")
    head = f"CPU info:\n  {_cpus(host)}\n  {host.bus}\n{_logical(host)}"
    word = f"0x00000000{host.family:02x}{host.model:02x}{host.revision:02x}04"
    details = f"""
  Vendor identification:        GenuineIntel
  Processor version info:       {word}
          Family {host.family}, model {host.model}, stepping {host.revision}
  Processor capabilities:       0x0000000000000001
          Implements long branch
  Bus features supported:       0xbdf0000060000000
  Bus features enabled:         0x0000000040000000
          Bus Lock Signal masked
  L1 Instruction cache:      16 KB, 4-way
  L1 Data cache:             16 KB, 4-way
  L2 Unified cache:         256 KB, 8-way
  L3 Unified cache:           6 MB, 12-way
"""
    return f"{head}{details}{memory}{rest}"


def machinfo_11_23(host: HostRow) -> str:
    """As HP-UX 11.23 prints it: another layout, with the numbers in it."""
    firmware = host.firmware
    count = host.logical or host.sockets
    return f"""\
CPU info:
   Number of CPUs = {count}
   Clock speed = 1600 MHz
   Bus speed   = 400 MT/s
   CPUID registers
      vendor information =       "GenuineIntel"
      processor serial number =  0x0000000000000000
      processor version info =   0x00000000{host.family:02x}{host.model:02x}{host.revision:02x}04
         architecture revision:       0
         processor family:           {host.family}   Intel(R) Itanium 2 Family Processors
         processor model:             {host.model}   Intel(R) Itanium 2 processor
         processor revision:          {host.revision}   Stepping A{host.revision}
         largest CPUID reg:           4
      processor capabilities =   0x0000000000000001
                      implements long branch:  1
   Bus features
      implemented =  0xbdf0000060000000
      selected    =  0x0000000040000000
         Bus Lock Signal masked

Cache info:
   L1 Instruction: size =   16 KB, associativity = 4
   L1 Data:        size =   16 KB, associativity = 4
   L2 Unified:     size =  256 KB, associativity = 8
   L3 Unified:     size = 3072 KB, associativity = 6

Memory = {host.memory_mb} MB ({host.memory_mb / 1024:.6f} GB)

Firmware info:
   Firmware revision = {firmware.revision}
   FP SWA driver revision: {firmware.swa}
   IPMI is supported on this system.
   BMC version: {firmware.bmc}

Platform info:
   model string =          "{firmware.model}"
   machine id number =     {host.machine_id}
   machine serial number = {firmware.serial}

OS info:
   sysname  = HP-UX
   nodename = {host.name}
   release  = B.11.23
   version  = U (unlimited-user license)
   machine  = ia64
   idnumber = {firmware.id_number}
   vmunix _release_version:{BLANKS}
@(#) $Revision: vmunix:    B11.23_LR FLAVOR=perf Fri Aug 29 22:35:38 PDT 2003 $
"""


def _cpus(host: HostRow) -> str:
    plural = "s" if host.sockets > 1 else ""
    return f"{host.sockets} {host.processor}{plural} ({host.clock})"


def _logical(host: HostRow) -> str:
    if host.logical is None:
        return ""
    return f"          {host.logical} logical processors ({host.logical // host.sockets} per socket)\n"
