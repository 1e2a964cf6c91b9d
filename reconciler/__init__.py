"""Declarative placement of guests (virtual machines) on hosts, kept by git.

    desired-state/*.yaml at a commit ─► desired fleet ─┐
                                                       ├─► diff ─► plan ─► run ─► report ─► status branch
    hosts, read by their drivers ─────► observed fleet ─┘

A line a folder, from the outside in; imports only ever point down this list:

    cli/        one file a command: words in, tables and exit codes out
    demo/       all of it on a simulated fleet, told in plain steps
    web/        read-only answers over HTTP: health and metrics
    loop/       where core and edges meet: `advance(state, event, now) -> (state, effects)`, its shell, settings
    drivers/    what a platform can be asked and told: registry, simulated, hpvm, libvirt
    documents/  YAML text to documents with line numbers, checked against schemas/
    git/        desired state at a commit, reports onto the status branch
    ssh/        a command on a host, within limits on time and output; connections that stay open
    render/     a report as text, markdown: pure, escapes whatever documents and hosts said
    core/       values in, values out: desired, observed, diff, compatibility, planning, execution, report
    errors      what can go wrong, who must act, which exit code
"""

__version__ = "0.1.0"
