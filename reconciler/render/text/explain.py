"""Every verdict on one guest and one target, as people read it in a terminal. Called for `explain`.

The deciding verdict is marked; what would make the move go online comes last. Never more than 80 columns wide.
"""

from __future__ import annotations

from reconciler.core.compatibility import Verdict
from reconciler.core.model import Method
from reconciler.core.planning.plan import Blocked, Step
from reconciler.core.quantities import format_duration
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.explanation import Explanation
from reconciler.render.layout import Paint, no_paint, wrap
from reconciler.render.text.names import name, route

STYLES = {"online": "good", "offline": "warn", "blocked": "bad", "not asked": "warn"}


def explain_text(explanation: Explanation, *, paint: Paint = no_paint) -> str:
    """The answer first, then what it rests on."""
    sections = [
        _answer(explanation, paint),
        *(_method(explanation, method, paint) for method in Method),
        _ways(explanation),
        _rulings(explanation, paint),
        _planned(explanation),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _answer(explanation: Explanation, paint: Paint) -> list[str]:
    place = route(explanation.source or "nowhere to be seen", explanation.target or explanation.source or "nowhere")
    if explanation.places:
        seen = words.listed([terminal(str(copy)) for copy in explanation.places])
        place = f"on {seen}{f', declared on {name(explanation.target)}' if explanation.target else ''}"
    style = STYLES[explanation.answer]
    answer = f": {explanation.answer}" if explanation.answer != "not asked" else ""
    lines = [paint(style, line) for line in wrap(f"{name(explanation.guest)}: {place}{answer}")]
    lines += wrap(f"{explanation.finding}: {terminal(explanation.finding_text)}", first="  ")
    if explanation.obstacle:
        lines += wrap(terminal(explanation.obstacle), first="  ")
    if explanation.blocked is not None:
        lines += _blocked(explanation.blocked)
    decision = explanation.decision
    if decision is not None and decision.one_way and explanation.answer == "online":
        lines += wrap(f"One-way: {terminal(decision.one_way)}", first="  ")
    return lines


def _blocked(blocked: Blocked) -> list[str]:
    lines = wrap(f"{terminal(blocked.reason)}: {terminal(blocked.text)}", first="  ", rest="    ")
    return lines + (wrap(terminal(blocked.fix), first="  fix: ") if blocked.fix else [])


def _method(explanation: Explanation, method: Method, paint: Paint) -> list[str]:
    verdicts = explanation.verdicts(method)
    if not verdicts:
        return []
    against = len(explanation.against(method))
    state = (
        f"no: {words.counted(against, 'rule')} of {len(verdicts)} against it"
        if against
        else "yes: every rule allows it"
    )
    lines = [paint("strong", f"{str(method).capitalize()}: {state}")]
    deciding = explanation.decision.deciding if explanation.decision else None
    for verdict in verdicts:
        lines += _verdict(verdict, verdict is deciding or verdict == deciding, paint)
    return lines


def _verdict(verdict: Verdict, decides: bool, paint: Paint) -> list[str]:
    sign = "✓" if verdict.allowed else "✗"
    mark = " (decides)" if decides else ""
    text = f"{terminal(verdict.rule)}{mark}: {terminal(verdict.reason)} [{terminal(verdict.source)}]"
    lines = wrap(text, first=f"{'>' if decides else ' '} {sign} ", rest="    ")
    return lines if verdict.allowed else [paint("bad", line) for line in lines]


def _ways(explanation: Explanation) -> list[str]:
    """What would have to change, all of it: for online where it goes offline, for either where it is blocked."""
    decision = explanation.decision
    if decision is None or decision.method is Method.ONLINE:
        return []
    lines = []
    for method in Method if decision.method is None else (Method.ONLINE,):
        lines.append(f"To go {method}")
        for verdict in explanation.against(method):
            fix = terminal(verdict.fix) if verdict.fix else "nothing we know of would change this"
            lines += wrap(f"{terminal(verdict.rule)}: {fix}", first="  ", rest="    ")
    return lines


def _rulings(explanation: Explanation, paint: Paint) -> list[str]:
    """What placement rules say of the guest on the target."""
    lines = wrap(f"Placement rules on {name(explanation.target)}") if explanation.rulings else []
    for ruling in explanation.rulings:
        sign, enforcement = "✓" if ruling.kept else "✗", ruling.rule.enforcement
        text = f"{terminal(ruling.rule.name)} ({ruling.rule.kind}, {enforcement}): {terminal(ruling.text)}"
        said = wrap(text, first=f"  {sign} ", rest="    ")
        style = "bad" if ruling.rule.required else "warn"
        lines += said if ruling.kept else [paint(style, line) for line in said]
        lines += wrap(terminal(ruling.fix), first="    fix: ") if ruling.fix else []
    return lines


def _planned(explanation: Explanation) -> list[str]:
    heading = "In the plan, if its document named this host" if explanation.supposed else "In the plan"
    lines = [heading] if explanation.steps else []
    for step in explanation.steps:
        lines += wrap(_step(step), first="  ", rest="    ")
    return lines


def _step(step: Step) -> str:
    marks = "".join(f", {mark}" for mark in words.marks(step))
    down = f", {format_duration(step.downtime_s)} down" if step.downtime_s else ""
    begins = f"after {format_duration(step.start_s)}" if step.start_s else "at once"
    times = f"begins {begins}, takes {format_duration(step.duration_s)}"
    change = f" {terminal(words.change(step))}" if step.settings else ""
    return f"{route(step.source, step.target)} {words.how(step)}{change}{marks}: {times}{down}"
