"""SQL files of panels and variables, and the query object of Grafana's PostgreSQL data source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dashboards.variable import DATASOURCE
from domain.error import ConfigurationError

SQL: Final = Path(__file__).parent / "sql"
#: Folder of the files that several dashboards use.
SHARED: Final = "shared"
FORMATS: Final[tuple[str, ...]] = ("table", "time_series")
_PARAMETER: Final = re.compile(r"\{\{(\w+)\}\}")


def load_sql(folder: str, name: str, parameters: Mapping[str, str]) -> str:
    """The text of ``sql/<folder>/<name>.sql``, or of ``sql/shared/<name>.sql``, with every ``{{word}}`` replaced.

    Parameters
    ----------
    folder, name : str
        Dashboard and file.
    parameters : mapping of str to str
        Replacement of each word. One that the file lacks, or a word without replacement, is a `ConfigurationError`.

    Returns
    -------
    str
        SQL without trailing blanks; Grafana's ``$`` macros and variables stay.
    """
    paths = [SQL / each / f"{name}.sql" for each in (folder, SHARED)]
    path = next((each for each in paths if each.exists()), None)
    if path is None:
        raise ConfigurationError(f"dashboards/sql/{folder}/{name}.sql: found no such file, nor in {SHARED}/")
    text = path.read_text(encoding="utf-8").strip()
    words = set(_PARAMETER.findall(text))
    if not words <= set(parameters):
        raise ConfigurationError(
            f"dashboards/sql/{folder}/{name}.sql: found words {sorted(words)}, expected some of {sorted(parameters)}"
        )
    return _PARAMETER.sub(lambda match: parameters[match.group(1)], text)


def query_target(sql: str, shape: str, *, ref_id: str) -> dict[str, object]:
    """A query as the PostgreSQL data source of Grafana 9.4 stores it (later versions read the same)."""
    if shape not in FORMATS:
        raise ConfigurationError(f"query format {shape!r} is unknown; expected one of {', '.join(FORMATS)}")
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "format": shape,
        "hide": False,
        "rawQuery": True,
        "rawSql": sql,
        "refId": ref_id,
    }
