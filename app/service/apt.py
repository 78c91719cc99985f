"""A private apt root: fetches signed Debian packages without touching the system and without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.service.progress import Reporter, Silence
from domain.error import PrerequisiteError

KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT_FOLDER: Final = Path("/etc/apt")
_SUITE: Final = re.compile(r"(bullseye|bookworm|trixie|forky|duke|sid|(old)*stable|testing|unstable)(-updates)?")
_SIMULATED: Final = re.compile(r"^Inst (\S+)", re.MULTILINE)


class AptError(PrerequisiteError):
    """apt did not do what was asked; the text holds its own words."""

    @property
    def unknown_key(self) -> bool:
        """Whether the keyring lacks the key that signed the archive."""
        return "NO_PUBKEY" in str(self) or "Missing key" in str(self)


def _entries(folder: Path) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """URIs, suites and components of each source of packages, in both formats."""
    lists = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]
    for path in (path for path in lists if path.is_file()):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            words = re.sub(r"\[[^]]*\]", " ", line.split("#")[0]).split()
            if len(words) > 2 and words[0] == "deb":
                yield [words[1]], [words[2]], words[3:]
    for path in sorted((folder / "sources.list.d").glob("*.sources")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
            unfolded = re.sub(r"\n[ \t]+", " ", stanza)
            fields = {
                key.strip().lower(): value.split()
                for key, _, value in (f.partition(":") for f in unfolded.splitlines())
            }
            if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"])[0].lower() not in ("no", "false"):
                yield fields.get("uris", []), fields.get("suites", []), fields.get("components", [])


def debian_mirrors(folder: Path = APT_FOLDER) -> list[str]:
    """Addresses of Debian archives that this machine uses, in its order.

    Parameters
    ----------
    folder : Path
        apt's configuration: ``sources.list`` and ``sources.list.d`` with ``.list`` and deb822 ``.sources`` files.

    Returns
    -------
    list of str
        Without security archives and without other vendors' repositories.
    """
    found = [
        uri.rstrip("/")
        for uris, suites, components in _entries(folder)
        for uri in uris
        if "main" in components and "security" not in uri and any(_SUITE.fullmatch(suite) for suite in suites)
    ]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class AptRoot:
    """Private lists, cache and status of one suite of one mirror.

    Parameters
    ----------
    folder : Path
        Where everything goes; made by `prepare`.
    mirror, suite : str
        What to read.
    keyring : Path
        Keys that may sign it.
    """

    folder: Path
    mirror: str
    suite: str
    keyring: Path

    def prepare(self) -> None:
        """Make the folders and the configuration; proxies and certificates are those of the machine's apt."""
        for name in ("lists/partial", "cache/archives/partial", "parts", "packages"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text("")
        source = f"deb [signed-by={self.keyring}] {self.mirror} {self.suite} main\n"
        (self.folder / "sources.list").write_text(source)
        own = {
            "Dir::State": self.folder,
            "Dir::State::lists": self.folder / "lists",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": self.folder / "parts",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Debug::NoLocking": "true",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
            "Acquire::Retries": "2",
        }
        if os.geteuid() == 0:
            own["APT::Sandbox::User"] = "root"
        lines = [*self._network_options(), *(f'{key} "{value}";' for key, value in own.items())]
        (self.folder / "apt.conf").write_text("\n".join(lines) + "\n")

    @staticmethod
    def _network_options() -> list[str]:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
        wanted = re.compile(r"^Acquire::(https?|ftp)::\S* \"[^\"]+\";$")
        return [line for line in dump.splitlines() if wanted.match(line) and "::User-Agent" not in line]

    def _run(self, arguments: Sequence[str], reporter: Reporter | None = None) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C.UTF-8"}
        progress = ["-oAPT::Status-Fd=1"] if reporter else []
        with subprocess.Popen(
            ["apt-get", "-q", *progress, *arguments],
            cwd=self.folder / "packages",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            said = []
            for line in process.stdout or ():
                if reporter and line.startswith("dlstatus:"):
                    reporter.part(float(line.split(":")[2]) / 100)
                else:
                    said.append(line)
        if process.returncode:
            raise AptError(
                f"apt-get {arguments[0]} from {self.mirror} {self.suite} failed: {''.join(said)[-800:].strip()}"
            )
        return "".join(said)

    def update(self) -> None:
        """Fetch the signed index; an archive that cannot be reached or is signed by an unknown key is an error."""
        said = self._run(["update", "-oAPT::Update::Error-Mode=any"])
        if not any(self.folder.glob("lists/*_Packages*")):
            raise AptError(f"apt-get update from {self.mirror} {self.suite} brought no packages: {said[-600:].strip()}")

    def needed(self, packages: Sequence[str]) -> list[str]:
        """Names of `packages` and of everything they depend on."""
        return _SIMULATED.findall(self._run(["install", "-s", "-y", "--no-install-recommends", *packages]))

    def download(self, packages: Sequence[str], reporter: Reporter) -> list[Path]:
        """Fetch packages, checked against the signed index.

        Parameters
        ----------
        packages : sequence of str
            Exactly these.
        reporter : Reporter
            Told the part that is there.

        Returns
        -------
        list of Path
            The package files.
        """
        self._run(["download", *packages], reporter)
        return sorted((self.folder / "packages").glob("*.deb"))


def check_tools() -> None:
    """Refuse a machine without apt and dpkg, saying what to do instead."""
    missing = [name for name in ("apt-get", "apt-config", "dpkg", "dpkg-deb") if shutil.which(name) is None]
    if missing:
        raise PrerequisiteError(
            "PostgreSQL with TimescaleDB or Mosquitto is not installed, and a private copy cannot be made without "
            f"{', '.join(missing)}; install PostgreSQL 15 or newer with TimescaleDB and Mosquitto 2 or newer, "
            "or name a database and a broker in the settings (docs/settings.md)"
        )


def opened_root(folder: Path, suite: str) -> AptRoot:
    """An updated private apt root for `suite`, from the first mirror that answers.

    Parameters
    ----------
    folder : Path
        Where it may write.
    suite : str
        Such as ``trixie``.

    Returns
    -------
    AptRoot
        Ready to download. When the machine's keyring is older than the suite, a newer keyring is fetched from the
        machine's own suite first, whose key it has.
    """
    check_tools()
    if not KEYRING.exists():
        raise PrerequisiteError(f"{KEYRING} is missing; install the package debian-archive-keyring")
    faults = []
    for number, mirror in enumerate(debian_mirrors()):
        root = AptRoot(folder / f"apt{number}", mirror, suite, KEYRING)
        root.prepare()
        try:
            root.update()
        except AptError as error:
            if not error.unknown_key:
                faults.append(str(error))
                continue
            root = AptRoot(
                folder / f"apt{number}-keyed", mirror, suite, _newer_keyring(folder / "keyring", mirror, suite)
            )
            root.prepare()
            root.update()
        return root
    raise PrerequisiteError(
        "no Debian archive could be read, so no private PostgreSQL and Mosquitto can be made; check the network and "
        "/etc/apt, or install postgresql-17-timescaledb and mosquitto yourself:\n" + "\n".join(faults)
    )


def _newer_keyring(folder: Path, mirror: str, suite: str) -> Path:
    explanation = (
        f"this machine's Debian keyring {KEYRING} does not know the key of Debian {suite}; "
        "upgrade it: apt-get update && apt-get install debian-archive-keyring"
    )
    release = Path("/etc/os-release").read_text(encoding="utf-8") if Path("/etc/os-release").exists() else ""
    codename = re.search(r"^VERSION_CODENAME=(\w+)", release, re.MULTILINE)
    if codename is None or codename[1] == suite:
        raise PrerequisiteError(explanation)
    try:
        root = AptRoot(folder / "apt", mirror, codename[1], KEYRING)
        root.prepare()
        root.update()
        for package in root.download(["debian-archive-keyring"], Silence()):
            subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True, capture_output=True)
    except (AptError, subprocess.CalledProcessError) as error:
        raise PrerequisiteError(f"{explanation} ({error})") from error
    return folder / "root" / "usr/share/keyrings/debian-archive-keyring.gpg"
