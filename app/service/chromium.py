"""A headless Chromium: the machine's, else a private one from Debian packages, made once in the cache."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.service.apt import opened_root
from app.service.progress import Lines, Reporter
from domain.error import PrerequisiteError

#: The driver's package asks for a desktop Chromium; the shell is enough for it.
WANTED: Final = ("chromium-headless-shell", "fonts-wqy-microhei")
DRIVER: Final = "chromium-driver"
_RECIPE: Final = 1
_RELEASE: Final = Path("/etc/os-release")
#: Libraries that only the desktop or a graphics card would load, and those of the system itself.
_LEFT_OUT: Final = re.compile(
    r"lib(c6|gcc|stdc|llvm|z3|perl|pam|selinux|sepol|semanage|crypt1|systemd|gtk|gl1|glx|sensors)"
)
_FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
<dir>{fonts}</dir>
<cachedir>{cache}</cachedir>
<alias><family>sans-serif</family><prefer><family>WenQuanYi Micro Hei</family></prefer></alias>
<alias><family>system-ui</family><prefer><family>WenQuanYi Micro Hei</family></prefer></alias>
</fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """Programs of a browser and its driver, and what they need in their environment."""

    shell: Path
    driver: Path
    environment: dict[str, str]


def machine_chromium() -> Chromium | None:
    """The machine's own with its driver; None without a Chinese font, for then screenshots show boxes."""
    shell = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    driver = shutil.which("chromedriver")
    if shell is None or driver is None:
        return None
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout
    return Chromium(Path(shell), Path(driver), {}) if fonts.strip() else None


def codename() -> str:
    """Suite of this Debian: its packages fit the system's own libraries."""
    release = _RELEASE.read_text(encoding="utf-8") if _RELEASE.exists() else ""
    found = re.search(r"^VERSION_CODENAME=(\w+)", release, re.MULTILINE)
    if found is None:
        raise PrerequisiteError("/etc/os-release names no Debian; install chromium, chromium-driver and a Chinese font")
    return found[1]


def find_chromium(cache: Path) -> Chromium:
    """The machine's Chromium, else the private one, made on first use.

    Parameters
    ----------
    cache : Path
        Folder of private runtimes.

    Returns
    -------
    Chromium
        Programs that exist.
    """
    return machine_chromium() or make_private(cache, Lines())


def found_private(cache: Path) -> Chromium | None:
    """The private Chromium of a cache when it has been made."""
    try:
        folder = _folder(cache, codename())
    except PrerequisiteError:
        return None
    return _private(folder) if (folder / "complete").exists() else None


def make_private(cache: Path, reporter: Reporter) -> Chromium:
    """The private Chromium of a cache, made when it is not there yet.

    Parameters
    ----------
    cache : Path
        Folder of private runtimes.
    reporter : Reporter
        Told of the download and the unpacking.

    Returns
    -------
    Chromium
        Programs that run; `PrerequisiteError` where there is no Debian.
    """
    suite = codename()
    folder = _folder(cache, suite)
    if not (folder / "complete").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "chromium.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if not (folder / "complete").exists():
                _build(cache, folder, suite, reporter)
    return _private(folder)


def _folder(cache: Path, suite: str) -> Path:
    return cache / f"chromium-{suite}-{platform.machine()}-{_RECIPE}"


def _private(folder: Path) -> Chromium:
    triplet = next((folder / "usr/lib").glob("*-linux-gnu*"))
    libraries = [triplet, triplet / "nss", folder / "lib" / triplet.name]
    environment = {
        "LD_LIBRARY_PATH": ":".join(str(each) for each in libraries),
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
    }
    shell = folder / "usr/lib/chromium/chromium-headless-shell"
    return Chromium(shell, folder / "usr/bin/chromedriver", environment)


def _build(cache: Path, folder: Path, suite: str, reporter: Reporter) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    try:
        reporter.step(f"Reading the index of Debian {suite}")
        root = opened_root(work, suite)
        needed = [name for name in root.needed(WANTED) if name.startswith(("lib", "zlib", "chromium", "fonts"))]
        names = [name for name in needed if not _LEFT_OUT.match(name)]
        reporter.step(f"Downloading a headless Chromium ({len(names) + 1} packages, about 110 MB, once)")
        packages = root.download([*names, DRIVER], reporter)
        reporter.step("Unpacking")
        made = work / "root"
        made.mkdir()
        for package in packages:
            subprocess.run(["dpkg-deb", "-x", str(package), str(made)], check=True, capture_output=True)
        shutil.rmtree(made / "usr/share/doc", ignore_errors=True)
        (made / "fonts-cache").mkdir(mode=0o777)
        text = _FONTS.format(fonts=folder / "usr/share/fonts", cache=folder / "fonts-cache")
        (made / "fonts.conf").write_text(text, encoding="utf-8")
        made.rename(folder)
        _check(_private(folder))
        (folder / "complete").touch()
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check(made: Chromium) -> None:
    """Refuse a private browser that does not run, with what it says."""
    for program in (made.shell, made.driver):
        environment = {**os.environ, **made.environment}
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        if done.returncode:
            raise PrerequisiteError(f"{program} does not run: {(done.stdout + done.stderr).strip()[-400:]}")
