"""Tables are written the same everywhere, and read as they stand there."""

from pathlib import Path

from facedance.tables import read_rows, write_table


def test_names_that_look_like_nothing_stay_names(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", [{"clip": "null", "frames": 3}, {"clip": "nan", "frames": None}], ("clip", "frames"))
    assert [row["clip"] for row in read_rows(tmp_path / "a.csv")] == ["null", "nan"]
    assert read_rows(tmp_path / "a.csv")[1]["frames"] == ""


def test_numbers_have_the_decimals_that_are_asked_for(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", [("a", 1 / 3, 2)], ["name", "share", "count"], digits=4)
    assert (tmp_path / "a.csv").read_bytes() == b"name,share,count\na,0.3333,2\n"


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", [], ("clip", "status"))
    assert (tmp_path / "a.csv").read_bytes() == b"clip,status\n"
    assert read_rows(tmp_path / "a.csv") == []
