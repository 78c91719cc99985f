"""Tables whose faults point at the cell."""

from fractions import Fraction
from pathlib import Path

import pytest

from domain.error import ConfigurationError
from domain.table import load_rows, load_table, load_toml


def written(folder: Path, text: str, name: str = "things.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_remarks_blank_lines_and_column_order_do_not_matter(tmp_path: Path) -> None:
    path = written(tmp_path, "# a remark\nb,a\n\n 2 , x\n# another\n3,y\n")
    rows = load_rows(path, ("a", "b"))
    assert [(row.line, row.text("a"), row.integer("b")) for row in rows] == [(4, "x", 2), (6, "y", 3)]


def test_a_table_saved_by_a_spreadsheet_has_a_byte_order_mark(tmp_path: Path) -> None:
    assert load_rows(written(tmp_path, "\ufeffa\n1\n"), ("a",))[0].integer("a") == 1


def test_wrong_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"things\.csv line 1: found columns \['a', 'c'\], expected \['a', 'b'\]"
    ):
        load_rows(written(tmp_path, "a,c\n1,2\n"), ("a", "b"))


def test_a_row_with_too_few_cells_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="line 3: found 1 cells, expected 2"):
        load_rows(written(tmp_path, "a,b\n1,2\n3\n"), ("a", "b"))


def test_every_bad_row_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path, "a\n1\nx\n2\ny\n")
    with pytest.raises(ConfigurationError) as caught:
        load_table(path, ("a",), lambda row: row.integer("a"))
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("things.csv line 3, column a: found 'x', expected a whole number")
    assert "line 5" in lines[1]


@pytest.mark.parametrize(
    ("reader", "cell", "expected"),
    [
        ("text", "", "a text"),
        ("truth", "yes", "one of true, false"),
        ("fraction", "1/3", "a decimal number"),
        ("number", "nan", "a decimal number"),
        ("number", "1e13", "a number from"),
        ("integer", "1.5", "a whole number"),
        ("date", "2026-02-30", "a date YYYY-MM-DD"),
    ],
)
def test_readers_say_what_they_expected(tmp_path: Path, reader: str, cell: str, expected: str) -> None:
    row = load_rows(written(tmp_path, f"a,b\n{cell},1\n"), ("a", "b"))[0]
    with pytest.raises(ConfigurationError, match=f"column a: found '{cell}', expected {expected}"):
        getattr(row, reader)("a")


def test_decimal_cells_are_exact(tmp_path: Path) -> None:
    assert load_rows(written(tmp_path, "a\n0.1\n"), ("a",))[0].fraction("a") == Fraction(1, 10)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.csv: found no such file"):
        load_rows(tmp_path / "none.csv", ("a",))
    (tmp_path / "latin.csv").write_bytes(b"a\n\xb5\n")
    with pytest.raises(ConfigurationError, match="not UTF-8 at byte 2"):
        load_rows(tmp_path / "latin.csv", ("a",))
    with pytest.raises(ConfigurationError, match=r"bad\.toml: found"):
        load_toml(written(tmp_path, "a = \n", "bad.toml"))
