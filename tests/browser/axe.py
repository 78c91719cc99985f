"""The accessibility checker axe-core (MPL-2.0, Deque Systems), fetched once from the npm registry into the cache."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import urllib.request
from pathlib import Path
from typing import Any, Final

from driver import Window

VERSION: Final = "4.14.1"
_ADDRESS: Final = f"https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz"
_SHA512: Final = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
#: Rules of WCAG 2.0 to 2.2, levels A and AA.
_RUN: Final = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then(found =>
  done(found.violations.map(one => one.impact + ' ' + one.id + ': ' + one.nodes.map(n => n.html).join(' | '))));
"""


def axe_source(cache: Path) -> str:
    """The checker's script, refused when it is not the one named here."""
    kept = cache / f"axe-core-{VERSION}.tgz"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(_ADDRESS, timeout=60) as answer:
            content = answer.read()
        kept.with_suffix(".new").write_bytes(content)
        kept.with_suffix(".new").rename(kept)
    content = kept.read_bytes()
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    assert found == _SHA512, f"{kept}: found sha512 {found}, expected {_SHA512}"
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member: Any = archive.extractfile("package/axe.min.js")
        return str(member.read().decode())


def serious_issues(window: Window, source: str) -> list[str]:
    """What the checker finds on the open page, of impact serious or critical."""
    window.run(source)
    found = window.wait_for(_RUN)
    return [each for each in found if each.startswith(("serious", "critical"))]
