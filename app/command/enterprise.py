"""`lantian enterprise`: enterprises of the plan."""

from __future__ import annotations

from app.registry_command import registry_group, retire_command
from app.registry_table import ENTERPRISE

command = registry_group(ENTERPRISE)
command.add_command(retire_command(ENTERPRISE))
