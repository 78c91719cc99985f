"""The glossary holds every word of the domain; docs/standards.md names only what exists."""

import importlib
import re
from pathlib import Path

import pytest

from domain.document import standards
from domain.error import REASONS
from domain.family import FAMILIES, SPANS_ZH
from domain.flag import MARKS_ZH, NAMES_ZH, NO_MARK
from domain.level import LEVELS
from domain.network import LABELS, REVISION_POLICIES, SITE_KINDS
from domain.period import PERIOD_KINDS
from domain.plan import GRADES, STATISTICS
from domain.pollutant import SIX
from domain.standard import AVERAGINGS, limits, reference_limits
from firmware_sim.fault import OPTIONS

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
STANDARDS_PAGE = (ROOT / "docs/standards.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")] for line in GLOSSARY.splitlines() if line.startswith("|")
]


def in_one_row(*texts: str) -> bool:
    return any(all(any(text in cell for cell in row) for text in texts) for row in ROWS)


@pytest.mark.parametrize("pollutant", SIX, ids=lambda pollutant: pollutant.key)
def test_pollutants(pollutant: object) -> None:
    assert in_one_row(pollutant.symbol, pollutant.name_zh, f"`{pollutant.key}`", pollutant.unit)


def test_pollutants_of_the_limit_tables() -> None:
    others = {pollutant for pollutant, _ in limits("2026-final")} | {row.pollutant for row in reference_limits()}
    assert {key for key in others if not in_one_row(f"`{key}`")} == set()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.key)
def test_family_columns_with_unit(family: object) -> None:
    assert f"## Family `{family.key}`: {family.name_zh} (table `{family.table}`)" in GLOSSARY
    for column in family.columns:
        cells = [row for row in ROWS if f"`{family.key}.{column.key}`" in row]
        assert len(cells) == 1, column.key
        assert column.name_zh in cells[0]
        assert column.unit in cells[0]


def test_flags_marks_levels_and_spans() -> None:
    for flag, name in NAMES_ZH.items():
        assert in_one_row(name, str(flag), "QARTOD")
    for letter, name in MARKS_ZH.items():
        assert in_one_row(f"`{letter}`", name, "table 8")
    assert in_one_row(f"`{NO_MARK}`")
    for level in LEVELS:
        assert in_one_row(level.category_zh, level.level_zh, level.colour_zh, f"`level` = {level.level}")
    for span, name in SPANS_ZH.items():
        assert in_one_row(name, f"`span_s` = {span}")


@pytest.mark.parametrize("reason", REASONS)
def test_reasons(reason: str) -> None:
    assert in_one_row(f"`{reason}`", REASONS[reason])


def test_small_vocabularies() -> None:
    for word in (*PERIOD_KINDS, *AVERAGINGS, *STATISTICS, *LABELS, *REVISION_POLICIES, *SITE_KINDS):
        assert in_one_row(f"`{word}`"), word
    for grade in GRADES:
        assert in_one_row(grade.replace("-", " "), "绩效等级"), grade


def test_no_identifier_stands_twice_in_a_section() -> None:
    for section in re.split(r"^## ", GLOSSARY, flags=re.M)[1:]:
        names = [line.strip("|").split(" | ")[0] for line in section.splitlines() if line.startswith("| ")]
        assert len(names) == len(set(names)), section.splitlines()[0]


def test_every_document_is_described() -> None:
    for standard in standards().values():
        assert standard.number in STANDARDS_PAGE
        assert standard.title_zh in STANDARDS_PAGE
        assert f"`{standard.id}`" in STANDARDS_PAGE


#: Rows of the tables clause, what it says, function, test.
CLAUSES = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for table in re.findall(
        r"^\| clause \| what it says \| function \| test \|\n(?:\|.*\n)+", STANDARDS_PAGE, flags=re.M
    )
    for line in table.splitlines()[2:]
]
#: Tests of these rooms reach functions through commands, jobs, pages and the database, not by name.
THROUGH = ("tests/app/", "tests/store/", "tests/console/", "tests/alerting/", "tests/journey/")


def named(text: str) -> str | None:
    """What a dotted name of the page stands for: `module`, or `module.name`; None = nothing has it."""
    module, _, name = text.rpartition(".")
    for path, attribute in ((text, None), (module, name)):
        try:
            found = importlib.import_module(path)
        except ModuleNotFoundError:
            continue
        if attribute is None or hasattr(found, attribute):
            return attribute or text.rpartition(".")[2]
    return None


@pytest.mark.parametrize("row", CLAUSES, ids=lambda row: f"{row[0]}: {row[1]}"[:60].replace(" ", "-"))
def test_every_clause_has_a_function_and_a_test_of_it(row: list[str]) -> None:
    assert len(row) == 4, row
    functions, paths = re.findall(r"`([a-z_]+(?:\.\w+)+)`", row[2]), re.findall(r"`(tests/[\w/]+\.py)`", row[3])
    assert functions and paths
    texts = [(ROOT / path).read_text(encoding="utf-8") for path in paths]
    assert all("def test_" in text for text in texts)
    for function in functions:
        name = named(function)
        assert name is not None, f"{function} does not exist"
        direct = any(re.search(rf"\b{name}\b", text) for text in texts)
        assert direct or any(path.startswith(THROUGH) for path in paths), f"no test of the row names {function}"


def test_the_page_has_many_clauses() -> None:
    assert len(CLAUSES) > 60


def test_every_fault_of_the_simulator_has_a_figure() -> None:
    page = (ROOT / "docs/quality.md").read_text(encoding="utf-8")
    table = page.partition("| fault | told as | found |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]*\d[^|]*) \|$", table, flags=re.M)
    assert sorted(row[0] for row in rows) == sorted(OPTIONS)
