"""PlacementRule documents: what they declare, and what is said of wrong ones. Each of those holds the commit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.core.desired import Enforcement, Operator, PlacementRule, Requirement, RuleKind
from reconciler.core.desired.violations import violations
from reconciler.documents import load
from reconciler.documents.loading import guests_of
from reconciler.documents.reading import read_file
from reconciler.errors import Location
from reconciler.render.text.documents import violation_blocks
from tests.documents.examples import FLEET, GUEST, HOST, SOUND, load_with

RULE = """\
apiVersion: reconciler/v1alpha1
kind: PlacementRule
metadata: {name: apart}
spec:
"""
DB = "  guests: {names: [db]}\n"
APART = RULE + DB + "  antiAffinity: {topologyKey: host}\n"


def test_what_a_rule_leaves_out_has_cores_defaults() -> None:
    found = load_with({"r.yaml": APART}).require().rules
    assert {"apart": PlacementRule("apart", RuleKind.APART, Location("r.yaml"), names=("db",))} == found
    assert (1, True) == (found["apart"].most, found["apart"].required)


def test_every_field_of_a_rule_arrives() -> None:
    text = RULE + (
        "  guests: {matchLabels: {app: web}, names: [db]}\n"
        "  antiAffinity: {topologyKey: rack, most: 2}\n"
        "  enforcement: preferred\n"
        "  reason: they peak together\n"
    )
    assert load_with({"r.yaml": text}).require().rules["apart"] == PlacementRule(
        "apart",
        RuleKind.APART,
        Location("r.yaml"),
        labels={"app": "web"},
        names=("db",),
        topology_key="rack",
        most=2,
        enforcement=Enforcement.PREFERRED,
        reason="they peak together",
    )


def test_a_rule_about_hosts_holds_its_requirements_in_their_order() -> None:
    text = RULE + DB + (
        "  hostAffinity: [{key: site, operator: In, values: [a, b]}, {key: host, operator: NotIn, values: [h1]}]\n"
    )  # fmt: skip
    rule = load_with({"r.yaml": text}).require().rules["apart"]
    site, host = Requirement("site", Operator.IN, ("a", "b")), Requirement("host", Operator.NOT_IN, ("h1",))
    assert (RuleKind.HOSTS, (site, host)) == (rule.kind, rule.requirements)


def test_guests_may_be_together_by_a_label_of_hosts() -> None:
    rule = load_with({"r.yaml": RULE + DB + "  affinity: {topologyKey: site}\n"}).require().rules["apart"]
    assert (RuleKind.TOGETHER, "site") == (rule.kind, rule.topology_key)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            RULE + "  guests: {}\n  antiAffinity: {topologyKey: host}\n",
            "error: rule-unclear\nr.yaml:5:3: the rule does not say which guests it is about\n"
            "hint: write matchLabels: {app: web}, or names: [web01, web02]",
        ),
        (
            RULE + DB,
            "error: rule-unclear\nr.yaml:4:1: the rule does not say what it wants of its guests, and exactly one of"
            " antiAffinity, affinity, hostAffinity is needed\nhint: for example antiAffinity: {topologyKey: host}",
        ),
        (
            APART + "  affinity: {topologyKey: host}\n",
            "error: rule-unclear\nr.yaml:7:3: the rule wants antiAffinity and affinity, and exactly one of"
            " antiAffinity, affinity, hostAffinity is needed\nhint: make a rule of each",
        ),
        (
            RULE + DB + "  hostAffinity: []\n",
            "error: rule-unclear\nr.yaml:6:3: the rule says nothing about hosts\n"
            "hint: for example hostAffinity: [{key: site, operator: In, values: [north]}]",
        ),
        (
            RULE + DB + "  hostAffinity: [{key: site, operator: In, values: []}]\n",
            'error: rule-unclear\nr.yaml:6:52: label "site" is compared with no value\n'
            "hint: for example values: [north, south]",
        ),
        (
            APART.replace("[db]", "[db, dc]"),
            'error: rule-on-unknown-guest\nr.yaml:5:24: rule "apart" is about guest "dc", which no document declares\n'
            "hint: take it out, or declare it; guests there are: db",
        ),
        (
            RULE + DB + "  hostAffinity: [{key: site, operator: Is, values: [a]}]\n",
            'error: unknown-word\nr.yaml:6:40: spec.hostAffinity[0].operator is "Is", which is none of the allowed'
            " words\nhint: allowed: In, NotIn",
        ),
        (
            RULE + "  guests: {matchLabels: {tier: 1}}\n  affinity: {topologyKey: host}\n",
            "error: wrong-type\nr.yaml:5:32: spec.guests.matchLabels.tier is the number 1 and must be a label value: up"
            " to 63 letters, digits, dots, dashes and underscores, a letter or digit at both ends\n"
            "hint: put it in quotes",
        ),
        (
            RULE + DB + "  antiAffinity: {most: 2}\n",
            "error: missing-field\nr.yaml:6:3: spec.antiAffinity.topologyKey is missing\n"
            "hint: add it, for example topologyKey: host",
        ),
        (
            RULE + DB + "  antiAffinity: {topologyKey: host, most: 0}\n",
            "error: value-out-of-range\nr.yaml:6:43: spec.antiAffinity.most is 0 and must be from 1 to 1000\n"
            "hint: for example 2",
        ),
        (
            APART + "  enforcement: maybe\n",
            'error: unknown-word\nr.yaml:7:16: spec.enforcement is "maybe", which is none of the allowed words\n'
            "hint: allowed: preferred, required",
        ),
    ],
)  # fmt: skip
def test_a_wrong_rule_holds_the_commit_and_says_where_and_what_to_write(text: str, told: str) -> None:
    loaded = load_with({"r.yaml": text})
    assert loaded.held
    assert [told] == [str(problem) for problem in loaded.holding]


def test_two_rules_of_one_name_hold_the_commit() -> None:
    loaded = load_with({"r.yaml": APART, "s.yaml": APART})
    assert ['placement rule "apart" is declared twice, first in r.yaml:1:1'] == [each.what for each in loaded.holding]


def test_a_guest_whose_document_cannot_be_read_may_be_named_all_the_same() -> None:
    loaded = load_with({"guests/db.yaml": SOUND["guests/db.yaml"] + "  power: maybe\n", "r.yaml": APART})
    assert ["apart"] == list(loaded.require().rules)
    assert ["db"] == list(loaded.require().quarantined)


def test_a_missing_guest_is_not_complained_about_while_a_file_cannot_be_read() -> None:
    """It may be in that file."""
    loaded = load({name: text.encode() for name, text in {"f.yaml": FLEET, "h.yaml": HOST, "g.yaml": "a: [",
                                                          "r.yaml": APART}.items()})  # fmt: skip
    assert ["yaml-syntax"] == [problem.code for problem in loaded.holding]


def test_a_host_may_be_declared_not_schedulable() -> None:
    text = HOST.replace("driver: simulated", "driver: simulated, schedulable: false")
    hosts = load_with({"hosts/h1.yaml": text, "h2.yaml": HOST.replace("h1", "h2")}).require().hosts
    assert [("h1", False), ("h2", True)] == [(host.name, host.schedulable) for host in hosts.values()]


def test_a_word_for_schedulable_that_is_not_yaml_for_true_or_false_is_refused() -> None:
    loaded = load_with({"hosts/h1.yaml": HOST.replace("driver: simulated", "driver: simulated, schedulable: no")})
    assert ['spec.schedulable is "no" and must be true or false'] == [problem.what for problem in loaded.holding]


def test_a_file_with_a_rule_takes_a_look_at_the_whole() -> None:
    """The daemon reads a changed file by itself where it holds guests alone."""
    beside = load_with({"r.yaml": APART})
    assert guests_of(read_file("g.yaml", GUEST.encode()), beside) is not None
    assert guests_of(read_file("g.yaml", f"{GUEST}---\n{APART}".encode()), beside) is None


def test_the_page_about_rules_shows_rules_that_can_be_read_and_what_is_said_of_one() -> None:
    page = (Path(__file__).parents[2] / "docs/concepts/placement-rules.md").read_text(encoding="utf-8")
    rules = page.partition("```yaml\n")[2].partition("```")[0]
    labelled = HOST.replace("{name: h1}", '{name: vmhost-%s, labels: {site: north, cpus: "16"}}')
    web = "\n".join(["---", *GUEST.splitlines()]).replace("name: web", "name: %s\n  labels: {app: web}")
    files = {
        "fleet.yaml": FLEET,
        "hosts.yaml": "---\n".join(labelled % letter for letter in "abc"),
        "guests/web.yaml": "\n".join(web % name for name in ("web01", "web02")).replace("h1", "vmhost-a"),
        "guests/erp.yaml": GUEST.replace("web", "erpdb01").replace("h1", "vmhost-c"),
        "rules.yaml": rules,
    }
    fleet = load({path: text.encode() for path, text in files.items()}, folder="desired-state").require()
    assert ["many-threads", "shop-in-one-room", "web-apart"] == list(fleet.rules)
    [shown] = [block for block in violation_blocks(violations(fleet)) if block[0].startswith("error")]
    assert ["\n".join(shown)] == re.findall(r"```\n(error: .*?)\n```", page, re.DOTALL)
