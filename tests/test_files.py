"""Files and folders are written whole or not at all, and only folders of ours are replaced."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from supplyrisk._files import MARKER, whole_folder, write_bytes, write_text

posix = pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def tree(folder):
    """Return every file below a folder with its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def listing(*names):
    """What the marker says of a folder with these names in it."""
    return "".join(f"{name}\n" for name in sorted([MARKER, *names])).encode()


def fill(folder, **files):
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def make(path, **files):
    path.mkdir(parents=True)
    fill(path, **files)
    (path / MARKER).write_bytes(listing("sub", *files))
    return path


@pytest.fixture
def umask():
    """Give a function that sets the umask, and put the old one back."""
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


# --------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("text", ["", "tin\n", "Mineração\r\n\x00\u2028", "x" * 1_000_000])
def test_a_text_is_written_as_it_is(tmp_path, text):
    path = write_text(tmp_path / "a.txt", text)
    assert path == tmp_path / "a.txt"
    assert path.read_bytes() == text.encode("utf-8")
    assert names_in(tmp_path) == ["a.txt"]


def test_a_file_is_replaced(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "a long old text")
    write_text(str(target), "new")
    assert target.read_text(encoding="utf-8") == "new"
    write_bytes(target, b"\xff\x00")
    assert target.read_bytes() == b"\xff\x00"
    assert names_in(tmp_path) == ["a.txt"]


def test_a_relative_path_is_taken_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text("a.txt", "tin")
    assert tree(tmp_path) == {"a.txt": b"tin"}


@posix
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tmp_path, umask, mask):
    umask(mask)
    path = write_text(tmp_path / "a.txt", "tin")
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    with whole_folder(tmp_path / "out") as draft:
        fill(draft)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o777 & ~mask
    assert umask(mask) == mask


def test_a_text_that_cannot_be_encoded_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_text(target, "\ud800")
    assert tree(tmp_path) == {"a.txt": b"old"}


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("step", ["replace", "chmod"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, error):
    def fail(*_):
        raise error

    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(error):
        write_text(target, "new")
    monkeypatch.undo()
    assert tree(tmp_path) == {"a.txt": b"old"}


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OSError, match=r"a\.txt"):
        write_text(tmp_path / "a.txt", "tin")
    assert names_in(tmp_path) == ["a.txt"]


def test_a_file_needs_its_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_text(tmp_path / "nowhere" / "a.txt", "tin")
    assert names_in(tmp_path) == []


# -------------------------------------------------------------------------------------- folders


def test_a_folder_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "deep" / "out"
    with whole_folder(target) as draft:
        assert draft.is_dir()
        assert not target.exists()
        fill(draft, tables="1")
        (draft / "more").mkdir()
        (draft / "more" / "a.txt").write_text("2", encoding="utf-8")
    assert tree(target) == {MARKER: listing("more", "tables"), "tables": b"1", "more/a.txt": b"2"}
    assert names_in(target.parent) == ["out"]


def test_a_folder_of_ours_is_replaced_whole(tmp_path):
    target = make(tmp_path / "out", old="1")
    (target / "sub").mkdir()
    with whole_folder(str(target)) as draft:
        fill(draft, new="2")
    assert tree(target) == {MARKER: listing("new"), "new": b"2"}
    assert names_in(target) == sorted(["new", MARKER])
    assert names_in(tmp_path) == ["out"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    with whole_folder(tmp_path / "out") as draft:
        fill(draft)
    assert tree(tmp_path) == {f"out/{MARKER}": listing()}


def test_a_foreign_folder_is_refused_before_anything_is_done(tmp_path):
    target = tmp_path / "thesis"
    target.mkdir()
    (target / "chapter-1.txt").write_text("years of work", encoding="utf-8")
    with (
        pytest.raises(FileExistsError, match="thesis exists and is not a results folder"),
        whole_folder(target),
    ):
        pytest.fail("the block must not run")
    assert tree(tmp_path) == {"thesis/chapter-1.txt": b"years of work"}
    assert names_in(tmp_path) == ["thesis"]


def test_a_marker_that_is_a_folder_marks_nothing(tmp_path):
    (tmp_path / "out" / MARKER).mkdir(parents=True)
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "out"):
        pytest.fail("the block must not run")


def test_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with (
        pytest.raises(FileExistsError, match="not a results folder"),
        whole_folder(tmp_path / "out"),
    ):
        pytest.fail("the block must not run")
    assert tree(tmp_path) == {"out": b"a file"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("there", [False, True])
def test_a_failing_block_leaves_what_was(tmp_path, there, error):
    if there:
        make(tmp_path / "out", old="1")
    before = tree(tmp_path)

    def write_half():
        with whole_folder(tmp_path / "out") as draft:
            fill(draft, new="half")
            raise error

    with pytest.raises(error):
        write_half()
    assert tree(tmp_path) == before
    assert names_in(tmp_path) == ["out"] * there


def test_what_comes_to_stand_there_meanwhile_is_not_lost(tmp_path):
    def write_slowly():
        with whole_folder(tmp_path / "out") as draft:
            fill(draft)
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "thesis.txt").write_text("years of work", encoding="utf-8")

    with pytest.raises(FileExistsError):
        write_slowly()
    assert tree(tmp_path) == {"out/thesis.txt": b"years of work"}
    assert names_in(tmp_path) == ["out"]


def test_the_old_folder_stands_again_when_the_last_step_fails(tmp_path, monkeypatch):
    make(tmp_path / "out", old="1")
    before = tree(tmp_path)
    move, moves = Path.replace, []

    def fail_at_the_second(self, target):
        moves.append(self)
        if len(moves) == 2:
            raise OSError("the disk is gone")
        return move(self, target)

    def write():
        with whole_folder(tmp_path / "out") as draft:
            fill(draft, new="2")
            monkeypatch.setattr(Path, "replace", fail_at_the_second)

    with pytest.raises(OSError, match="the disk is gone"):
        write()
    monkeypatch.undo()
    assert tree(tmp_path) == before
    assert names_in(tmp_path) == ["out"]


@posix
def test_a_link_to_a_folder_of_ours_is_replaced_and_not_what_it_leads_to(tmp_path):
    real = make(tmp_path / "real", old="1")
    (tmp_path / "out").symlink_to(real)
    with whole_folder(tmp_path / "out") as draft:
        fill(draft, new="2")
    assert not (tmp_path / "out").is_symlink()
    assert tree(tmp_path / "out") == {MARKER: listing("new"), "new": b"2"}
    assert tree(real) == {MARKER: listing("old", "sub"), "old": b"1"}
    assert names_in(tmp_path) == ["out", "real"]


@posix
def test_a_link_out_of_a_draft_is_not_followed_when_it_vanishes(tmp_path):
    outside = make(tmp_path / "outside", precious="1")

    def write_half():
        with whole_folder(tmp_path / "out") as draft:
            (draft / "link").symlink_to(outside)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert tree(outside)["precious"] == b"1"


def test_a_block_that_removes_its_draft_fails_cleanly(tmp_path):
    def lose():
        with whole_folder(tmp_path / "out") as draft:
            shutil.rmtree(draft)

    with pytest.raises(FileNotFoundError):
        lose()
    assert names_in(tmp_path) == []


def test_a_file_that_did_not_come_from_here_is_not_lost(tmp_path):
    target = tmp_path / "out"
    with whole_folder(target) as draft:
        fill(draft, old="1")
    (target / "my-notes.txt").write_text("mine", encoding="utf-8")
    with (
        pytest.raises(FileExistsError, match=r"holds my-notes\.txt, which is not listed"),
        whole_folder(target) as draft,
    ):
        fill(draft, new="2")
    assert (target / "my-notes.txt").read_text(encoding="utf-8") == "mine"
    assert (target / "old").read_text(encoding="utf-8") == "1"
