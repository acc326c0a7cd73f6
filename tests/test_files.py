"""Files and folders that are whole or not there."""

import json
from pathlib import Path

import pytest

from planner.files import replaced_file, replaced_folder, scratch_folder, write_json, write_text


def test_text_replaces_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("old", encoding="utf-8")
    write_text(path, "Härnösand\n")
    assert path.read_bytes() == "Härnösand\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_file_is_kept_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_text(path, "old")
    with pytest.raises(ValueError, match="half"):
        _fill_half(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_is_replaced_whole_or_kept(tmp_path: Path) -> None:
    folder = tmp_path / "deeper" / "run"
    for text in ("first", "second"):
        with replaced_folder(folder) as partial:
            write_text(partial / f"{text}.txt", text)
        assert [path.name for path in folder.iterdir()] == [f"{text}.txt"]
    with pytest.raises(ValueError, match="half"):
        _fill_folder_half(folder)
    assert [path.name for path in folder.iterdir()] == ["second.txt"]
    assert list(folder.parent.iterdir()) == [folder]


def test_scratch_folder_is_gone_at_the_end_of_the_block_whatever_happened(tmp_path: Path) -> None:
    folder = tmp_path / "outputs" / "run"
    with scratch_folder(folder) as scratch:
        write_text(scratch / "zones.txt", "zones")
        assert scratch.parent == folder.parent
        assert not folder.exists()
    assert not list(folder.parent.iterdir())
    with pytest.raises(ValueError, match="broken"), scratch_folder(folder):
        raise ValueError("broken off")
    assert not list(folder.parent.iterdir())


def test_json_keeps_letters_and_refuses_what_json_lacks(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_json(path, {"name": "哈尔滨", "gap": None})
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "哈尔滨"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"gap": float("inf")})


def _fill_half(path: Path) -> None:
    with replaced_file(path) as partial:
        assert partial.suffix == path.suffix
        partial.write_text("new", encoding="utf-8")
        raise ValueError("half-written")


def _fill_folder_half(folder: Path) -> None:
    with replaced_folder(folder) as partial:
        write_text(partial / "third.txt", "third")
        raise ValueError("half-written")
