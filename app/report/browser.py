"""Printing pages to PDF with a headless Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from domain.error import PrerequisiteError

PROGRAMS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_TIMEOUT_S: Final = 120


def find_browser() -> str:
    """Path of the machine's Chromium; `PrerequisiteError` says what is missing, a Chinese font included."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise PrerequisiteError(
            f"PDF: found none of {', '.join(PROGRAMS)}; install chromium and a Chinese font (Debian: chromium,"
            " fonts-noto-cjk), or write the other formats"
        )
    lister = shutil.which("fc-list")
    if lister is not None:
        fonts = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, text=True, check=False)
        if not fonts.stdout.strip():
            raise PrerequisiteError("PDF: found no Chinese font; install one (Debian: fonts-noto-cjk)")
    return found


def print_pdf(page: Path, pdf: Path) -> None:
    """Print the HTML file `page` as the PDF file `pdf`; fonts are embedded.

    Parameters
    ----------
    page, pdf : Path
        From and to. `PrerequisiteError` when there is no Chromium, no Chinese font, or nothing was printed.
    """
    program = find_browser()
    with tempfile.TemporaryDirectory(prefix="lantian-print-") as profile:
        made = Path(profile) / "page.pdf"
        # Our own page without scripts; the sandbox cannot be had by root.
        command = [program, "--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={profile}/user"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        try:
            done = subprocess.run(
                [*command, f"--print-to-pdf={made}", page.resolve().as_uri()],
                capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise PrerequisiteError(f"PDF: {program} did not print within {_TIMEOUT_S} s") from error
        if done.returncode or not made.exists():
            raise PrerequisiteError(f"PDF: {program} printed nothing: {done.stderr.strip()[-300:]}")
        shutil.copyfile(made, pdf)
