"""One call of `advance` in the making: the state as it changes, and the effects as they are asked for.

Used by advance, moving and deciding only; frozen into a `State` again when the call ends.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.commands import Command
from reconciler.core.observed import Look, ObservedFleet, Unreachable, startable, undeclared
from reconciler.errors import InvariantBroken
from reconciler.loop.effects import Effect, LookAt, Note, Send, Wake
from reconciler.loop.state import Pass, Seen, State, Waiting


class Turn:
    """The mutable workbench. Everything on it is replaced, never changed in place, but for these dicts."""

    def __init__(self, state: State, now_s: float) -> None:
        self.config = state.config
        self.now_s = now_s
        self.evidence = state.evidence
        self.current = state.current
        self.next_id = state.next_id
        self.seen = dict(state.seen)
        self.moves = dict(state.moves)
        self.waiting = dict(state.waiting)
        self.log = dict(state.log)
        self.doing = dict(state.doing)
        self.steps = dict(state.steps)
        self.effects: list[Effect] = []

    def frozen(self) -> State:
        """The state this turn ends in."""
        return State(
            config=self.config,
            evidence=self.evidence,
            now_s=self.now_s,
            next_id=self.next_id,
            current=self.current,
            seen=self.seen,
            moves=self.moves,
            waiting=self.waiting,
            log=self.log,
            doing=self.doing,
            steps=self.steps,
        )

    @property
    def the_pass(self) -> Pass:
        """The pass under way. Raises InvariantBroken where there is none."""
        if self.current is None:
            raise InvariantBroken("loop", "an event for a pass came while none is under way")
        return self.current

    def change(self, **changes: object) -> None:
        """Replace fields of the pass under way."""
        self.current = replace(self.the_pass, **changes)  # type: ignore[arg-type]  # fields of Pass by name

    # --- asking ----------------------------------------------------------------------------------------------------

    def look(self, host: str, owner: str = "") -> None:
        """Ask for a look at this host."""
        self.effects.append(LookAt(self._wait(Waiting(owner, "look", self.now_s, host)), host))

    def send(self, command: Command, owner: str, what: str = "tell") -> None:
        """Ask for a command to be sent, its journal entry first."""
        entry = {
            "at_s": self.now_s,
            "what": "sending",
            "record": command.record.id,
            "host": command.host,
            "verb": command.verb.value,
            "argv": list(command.argv),
            "stage": command.record.stage.value,
        }
        self.effects.append(Note(entry))
        self.effects.append(Send(self._wait(Waiting(owner, what, self.now_s, command.host, command)), command))

    def wake(self, at_s: float, owner: str = "") -> None:
        """Ask to be woken."""
        self.effects.append(Wake(self._wait(Waiting(owner, "wake", self.now_s)), at_s))

    def note(self, what: str, **entry: object) -> None:
        """Write to the journal."""
        self.effects.append(Note({"at_s": self.now_s, "what": what, **entry}))

    def _wait(self, waiting: Waiting) -> int:
        effect_id = self.next_id
        self.next_id += 1
        self.waiting[effect_id] = waiting
        return effect_id

    def waits(self, owner: str, *whats: str) -> bool:
        """Whether this owner still waits for something of these kinds."""
        return any(entry.owner == owner and entry.what in whats for entry in self.waiting.values())

    # --- what was seen ---------------------------------------------------------------------------------------------

    def saw(self, host: str, look: Look, asked_s: float) -> None:
        """Keep a look, unless a later one is here already."""
        before = self.seen.get(host)
        if before is not None and before.asked_s > asked_s:
            return
        if isinstance(look, Unreachable):
            remembered = self.the_pass.begin.previous_startable.get(host, ())
            look = replace(look, startable=startable(before.look) if before is not None else tuple(remembered))
        self.seen[host] = Seen(look, asked_s, self.now_s)

    def look_of(self, host: str) -> Look:
        """The newest look at this host."""
        seen = self.seen.get(host)
        return seen.look if seen is not None else Unreachable(host, "not looked at yet")

    def observed(self) -> ObservedFleet:
        """The newest look at every declared host."""
        current = self.the_pass
        looks = {host: self.look_of(host) for host in current.desired.hosts}
        return undeclared(ObservedFleet(looks), current.begin.previous_startable, self.config.lost_hosts)
