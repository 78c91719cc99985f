"""`lantian site`: places where something is measured."""

from __future__ import annotations

from app.registry_command import registry_group, retire_command
from app.registry_table import SITE

command = registry_group(SITE)
command.add_command(retire_command(SITE))
