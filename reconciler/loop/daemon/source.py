"""What git says is wanted, whether or not it says so just now. Called by the daemon before each pass, and in mid-pass.

A commit that is not to be acted on (invalid documents, not signed as demanded) leaves the one before it in force for
what is under way, under a brake that begins nothing. Where git is away, what it said last holds on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.core.planning.plan import Brake
from reconciler.core.reports.events import EventKind
from reconciler.documents.loading import Loaded
from reconciler.drivers import registry
from reconciler.errors import DesiredStateError, GitError
from reconciler.git.plumbing import Repository
from reconciler.loop.daemon.reader import DesiredReader
from reconciler.loop.daemon.telling.troubles import About, Troubles
from reconciler.loop.journal import StateFolder
from reconciler.loop.once import harmless, held_back, rewritten, untrusted_brakes
from reconciler.loop.publishing import Previous, previous
from reconciler.loop.settings import Settings
from reconciler.loop.wiring import Fleet, OpenDrivers, open_fleet, renewed


@dataclass(frozen=True)
class Known:
    """The fleet, the brakes that hold its commit, and the last report."""

    fleet: Fleet
    held: tuple[Brake, ...]
    before: Previous


class Source:
    """Of one daemon. Keeps connections to hosts and documents from one pass to the next."""

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._drivers = OpenDrivers()
        self._reader: DesiredReader | None = None
        self.known: Known | None = None
        """As it was opened last."""

    def close(self) -> None:
        """End all connections."""
        self._drivers.close()

    def open(self, settings: Settings) -> Known:
        """What git says now; where it is away, what it said last, under the settings and suspensions of now.

        Raises GitError where it never said anything, DesiredStateError where nothing valid was ever acted on,
        SettingsError where a driver cannot be opened.
        """
        try:
            known = self._asked(settings)
        except GitError as error:
            self._troubles.begin(About.READING, EventKind.GIT_TROUBLE, error.what)
            if self.known is None:
                raise
            return replace(self.known, fleet=renewed(self.known.fleet, settings, self._drivers))
        self._troubles.end(About.READING)
        self.known = known
        return known

    def reopened(self, settings: Settings) -> Fleet:
        """The newest commit in mid-pass, as far as it is known here: the watch over the branch has fetched."""
        return open_fleet(settings, drivers=self._drivers, fetch=False, load=self._load)

    def _asked(self, settings: Settings) -> Known:
        acted = StateFolder(settings.state_folder).acted()
        held: tuple[Brake, ...]
        try:
            fleet = open_fleet(settings, drivers=self._drivers, load=self._load)
            held = untrusted_brakes(fleet, acted)
        except DesiredStateError as error:
            fleet, brake = held_back(settings, error, drivers=self._drivers, load=self._load)
            held = (brake,)
        else:
            if held:
                fleet = self._older(settings, acted) if acted else harmless(fleet)
        if held:
            self._troubles.begin(About.COMMIT, EventKind.COMMIT_REFUSED, held[0].text)
        else:
            self._troubles.end(About.COMMIT)
            held = rewritten(fleet, acted)
        return Known(fleet, held, previous(fleet.status()))

    def _older(self, settings: Settings, acted: str) -> Fleet:
        """The fleet at the commit that was acted on last."""
        return open_fleet(settings, acted, drivers=self._drivers, fetch=False, load=self._load)

    def _load(self, repository: Repository, revision: str, folder: str) -> Loaded:
        """The documents, of which only those are read that changed since the last time."""
        reader = self._reader
        if reader is None or (reader.repository, reader.folder) != (repository, folder):
            reader = self._reader = DesiredReader(repository, folder, tuple(registry.OPENERS))
        return reader.at(revision)
