"""Printing pages to PDF with a headless Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.service.chromium import found_private
from app.settings import load_settings
from domain.error import PrerequisiteError

PROGRAMS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_TIMEOUT_S: Final = 120


@dataclass(frozen=True, slots=True)
class Browser:
    """The program that prints, and what it needs in its environment."""

    program: str
    environment: dict[str, str]


def find_browser(cache: Path) -> Browser:
    """The machine's Chromium with a Chinese font, else the private one.

    Parameters
    ----------
    cache : Path
        Folder of private runtimes.

    Returns
    -------
    Browser
        `PrerequisiteError` says what is missing when there is neither.
    """
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is not None and _chinese_font():
        return Browser(found, {})
    private = found_private(cache)
    if private is not None:
        return Browser(str(private.shell), private.environment)
    lacking = f"none of {', '.join(PROGRAMS)}" if found is None else f"{found} but no Chinese font"
    raise PrerequisiteError(
        f"PDF: found {lacking}; install chromium and a Chinese font (Debian: chromium, fonts-noto-cjk), or let"
        " `lantian report browser` make a private one, or write the other formats"
    )


def _chinese_font() -> bool:
    """Whether there is one; yes where fonts cannot be listed."""
    lister = shutil.which("fc-list")
    if lister is None:
        return True
    done = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip())


def print_pdf(page: Path, pdf: Path) -> None:
    """Print the HTML file `page` as the PDF file `pdf`; fonts are embedded.

    Parameters
    ----------
    page, pdf : Path
        From and to. `PrerequisiteError` when there is no Chromium, no Chinese font, or nothing was printed.
    """
    browser = find_browser(load_settings().cache)
    program = browser.program
    with tempfile.TemporaryDirectory(prefix="lantian-print-") as profile:
        made = Path(profile) / "page.pdf"
        # Our own page without scripts; the sandbox cannot be had by root.
        command = [program, "--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={profile}/user"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        try:
            done = subprocess.run(
                [*command, f"--print-to-pdf={made}", page.resolve().as_uri()],
                capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
                env={**os.environ, **browser.environment},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise PrerequisiteError(f"PDF: {program} did not print within {_TIMEOUT_S} s") from error
        if done.returncode or not made.exists():
            raise PrerequisiteError(f"PDF: {program} printed nothing: {done.stderr.strip()[-300:]}")
        shutil.copyfile(made, pdf)
