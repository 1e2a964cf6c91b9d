"""Signed commits: what nobody trusted has signed is not acted on, and its author sees why. Real keys, real git."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from reconciler.git.plumbing import Repository
from reconciler.git.signatures import untrusted
from tests.cli.bench import Bench
from tests.daemon.running import daemon, eventually
from tests.git.repositories import git
from tests.ssh.packages import require_packages
from tests.ssh.sshd import key_pair, public

STATUS = "refs/heads/reconciler/status/bench"


@dataclass
class Signed:
    """A bench whose settings demand signatures; ada may sign, eve may not."""

    bench: Bench
    keys: dict[str, Path]

    @property
    def signers(self) -> Path:
        return self.bench.folder / "allowed_signers"

    def place(self, host: str, by: str = "", *, message: str = "Place web", trailer: str = "") -> str:
        """Commit that `web` shall be there, signed by this person or by nobody; the commit's id."""
        self.bench.homes["web"] = host
        self.bench.write()
        self.bench.git("add", "--all")
        words = ["--allow-empty", "--quiet", f"--message={message}", *([f"--trailer={trailer}"] if trailer else [])]
        sign = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.keys[by]}"] if by else []
        self.bench.git(*sign, "commit", *words, "--gpg-sign" if by else "--no-gpg-sign")
        return self.bench.git("rev-parse", "HEAD").strip()

    def apply(self) -> int:
        return self.bench.call("apply", "--yes").code

    def offences(self, since: str = "") -> list[str]:
        """What the newest commit's range holds against it."""
        repository = Repository.open(self.bench.folder / "fleet")
        tip = self.bench.git("rev-parse", "HEAD").strip()
        return [offence.subject for offence in untrusted(repository, since, tip, self.signers)]


@pytest.fixture
def signed(bench: Bench) -> Signed:
    """The first commit is signed by ada and acted on."""
    return signed_on(bench)


def signed_on(bench: Bench) -> Signed:
    require_packages("openssh-client", program="ssh-keygen")
    keys = {name: key_pair(bench.folder / name) for name in ("ada", "eve", "daemon")}
    found = Signed(bench, keys)
    found.signers.write_text(f'ada@example.invalid namespaces="git" {public(keys["ada"])}\n')
    text = '[trust]\nsigned_commits = true\nallowed_signers_file = "allowed_signers"\n'
    bench.settings.write_text(bench.settings.read_text() + text)
    found.place("h1", "ada")
    assert 0 == found.apply()
    return found


def test_what_an_allowed_signer_signed_is_acted_on(signed: Signed) -> None:
    signed.place("h2", "ada")
    assert (0, ["h2"]) == (signed.apply(), signed.bench.where("web"))


@pytest.mark.parametrize("by", ["", "eve"], ids=["by nobody", "by somebody unknown"])
def test_what_nobody_trusted_signed_is_held_and_the_author_sees_it(signed: Signed, by: str) -> None:
    signed.place("h2", by, message="Move it, quick")
    assert (ExitCode.HELD, ["h1"]) == (signed.apply(), signed.bench.where("web"))
    status = " ".join(signed.bench.call("status").out.split())
    assert "UntrustedCommit" in status
    assert "Ada <ada@example.invalid>: Move it, quick" in status
    page = signed.bench.git("show", f"{STATUS}:README.md")
    assert "Move it, quick" in page


def test_a_signed_commit_on_top_does_not_cure_it(signed: Signed) -> None:
    signed.place("h2")
    signed.place("h2", "ada", message="On top")
    assert (ExitCode.HELD, ["h1"]) == (signed.apply(), signed.bench.where("web"))


def test_a_signed_commit_that_vouches_for_it_does(signed: Signed) -> None:
    bad = signed.place("h2")
    signed.place("h2", "ada", message="Vouch", trailer=f"Reconciler-Seal: {bad}")
    assert (0, ["h2"]) == (signed.apply(), signed.bench.where("web"))


def test_nobody_vouches_for_himself(signed: Signed) -> None:
    bad = signed.place("h2")
    signed.place("h2", "eve", message="Vouch", trailer=f"Reconciler-Seal: {bad}")
    assert ["Vouch", "Place web"] == signed.offences(signed.bench.git("rev-parse", "HEAD~2").strip())


def test_what_a_merge_brings_in_counts(signed: Signed) -> None:
    acted = signed.bench.git("rev-parse", "HEAD").strip()
    signed.bench.git("checkout", "--quiet", "-b", "side")
    signed.place("h3", message="On a side branch")
    signed.bench.git("checkout", "--quiet", "main")
    sign = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={signed.keys['ada']}")
    signed.bench.git(*sign, "merge", "--quiet", "--no-ff", "-S", "--message=Merge", "side")
    assert ["On a side branch"] == signed.offences(acted)


def test_a_signature_that_was_copied_from_another_commit_is_none(signed: Signed) -> None:
    bench = signed.bench
    good = signed.place("h2", "ada")
    raw = git(bench.folder / "fleet", "cat-file", "commit", good)
    forged = raw.replace("Place web", "Place all")
    tip = git(bench.folder / "fleet", "hash-object", "-t", "commit", "-w", "--stdin", stdin=forged.encode())
    bench.git("update-ref", "refs/heads/main", tip)
    assert ["Place all"] == signed.offences(bench.git("rev-parse", f"{good}~1").strip())


def test_a_key_whose_time_is_over_does_not_count(signed: Signed) -> None:
    text = signed.signers.read_text().replace('namespaces="git"', 'namespaces="git",valid-before="20200101Z"')
    signed.place("h2", "ada")
    assert [] == signed.offences()
    signed.signers.write_text(text)
    assert ["Place web"] == signed.offences()


def test_signers_change_under_a_running_daemon(signed: Signed) -> None:
    with daemon(signed.bench.settings) as running:
        signed.place("h2", "eve", message="Eve's first day")
        assert "Eve's first day" in running.hears("commit-refused")["message"]
        running.hears("published")
        assert ["h1"] == signed.bench.where("web")
        with signed.signers.open("a") as file:
            file.write(f'eve@example.invalid namespaces="git" {public(signed.keys["eve"])}\n')
        assert 0 == signed.bench.executable("refresh").code
    assert ["h2"] == signed.bench.where("web")


def test_signers_that_cannot_be_read_let_nothing_through(signed: Signed) -> None:
    signed.place("h2", "ada")
    signed.signers.unlink()
    assert (ExitCode.GIT, ["h1"]) == (signed.apply(), signed.bench.where("web"))


def test_signers_that_go_away_in_mid_move_stop_nothing_but_what_is_new(tmp_path: Path) -> None:
    signed = signed_on(Bench(tmp_path).build(speed=10.0))
    with daemon(signed.bench.settings) as running:
        signed.place("h2", "ada")
        eventually(lambda: "migrate" in signed.bench.sent())
        signed.signers.unlink()
        signed.place("h3", "ada")
        running.hears("pass-ended")
        assert ["h2"] == signed.bench.where("web")
    notes = signed.bench.journal
    assert ["done"] == [note["kind"] for note in notes if note["what"] == "outcome"]
    assert not [note for note in notes if note["what"] == "adopting"], "the pass that began it brings it to its end"


def test_settings_that_demand_signatures_name_the_signers(bench: Bench) -> None:
    bench.settings.write_text(bench.settings.read_text() + "[trust]\nsigned_commits = true\n")
    assert "allowed_signers_file" in bench.call("plan").err


# --- our own ---------------------------------------------------------------------------------------------------------


def sign_reports(bench: Bench) -> Path:
    """Have reports signed; the key."""
    key = key_pair(bench.folder / "signing")
    bench.settings.write_text(bench.settings.read_text() + '[status]\nsigning_key_file = "signing"\n')
    return key


def verifies(bench: Bench, key: Path) -> bool:
    """Whether the newest report is signed with this key, by git's own word."""
    signers = bench.folder / "ours"
    signers.write_text(f"* {public(key)}\n")
    command = ["git", "-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", STATUS]
    return subprocess.run(command, cwd=bench.folder / "fleet", check=False, capture_output=True).returncode == 0


def test_reports_are_signed(bench: Bench) -> None:
    key = sign_reports(bench)
    assert 0 == bench.call("apply", "--yes").code
    assert verifies(bench, key)


def test_a_key_that_cannot_sign_is_said_to_be(bench: Bench) -> None:
    sign_reports(bench)
    (bench.folder / "signing").write_text("no key\n")
    found = bench.call("apply", "--yes")
    assert ExitCode.GIT == found.code
    assert "signing-key-unusable" in found.err


def test_a_foreign_tip_is_neither_built_upon_nor_believed(bench: Bench) -> None:
    key = sign_reports(bench)
    bench.call("apply", "--yes")
    tree = bench.git("rev-parse", f"{STATUS}^{{tree}}").strip()
    foreign = bench.git("commit-tree", "-p", STATUS, "-m", "All is well", tree).strip()
    bench.git("update-ref", STATUS, foreign)
    bench.commit(web="h2")
    found = bench.call("apply", "--yes")
    assert (ExitCode.GIT, ["h2"]) == (found.code, bench.where("web")), "moves go on"
    assert "status-branch-foreign" in found.err
    assert foreign == bench.git("rev-parse", STATUS).strip()
    bench.git("update-ref", "-d", STATUS)
    assert 0 == bench.call("apply", "--yes").code
    assert verifies(bench, key)
