"""Check the docstring of every public function and class of the rooms against the numpydoc rules of pyproject.toml."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from numpydoc.validate import validate

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
ROOMS = SETTINGS["importlinter"]["root_packages"]
CHECKS = set(SETTINGS["numpydoc_validation"]["checks"])


def modules() -> Iterator[ModuleType]:
    """Every module of the rooms."""
    for room in ROOMS:
        package = importlib.import_module(room)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            yield importlib.import_module(found.name)


def public_names(module: ModuleType) -> Iterator[str]:
    """Dotted names of the module itself and of the public functions and classes defined in it."""
    yield module.__name__
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value) or inspect.isclass(value):
            yield f"{module.__name__}.{name}"


def main() -> int:
    """Print each finding; exit status 1 when there is one."""
    sys.path.insert(0, str(ROOT))
    findings = 0
    for module in modules():
        for name in public_names(module):
            document = inspect.getdoc(module if name == module.__name__ else getattr(module, name.rsplit(".", 1)[1]))
            if not document:
                print(f"{name}: GL08 no docstring")
                findings += 1
                continue
            # One sentence is enough where it says everything; sections of a function, once begun, must be complete.
            if "----" not in document or not inspect.isfunction(getattr(module, name.rsplit(".", 1)[-1], None)):
                continue
            for code, text in validate(name)["errors"]:
                if code in CHECKS:
                    print(f"{name}: {code} {text}")
                    findings += 1
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
