"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER: Final = "contents.txt"
"""List of the files of a results folder; only a folder that holds no others is ever replaced."""


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file whole: a reader sees the old file or the new one, never a part.

    Parameters
    ----------
    path : path-like
        File to write; its folder must exist.
    text : str
        What to write, as UTF-8.

    Returns
    -------
    Path
        The file written.
    """
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file whole: a reader sees the old file or the new one, never a part.

    Parameters
    ----------
    path : path-like
        File to write; its folder must exist.
    data : bytes
        What to write.

    Returns
    -------
    Path
        The file written.
    """
    target = Path(path)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(draft).chmod(0o666 & ~_umask())  # mkstemp makes files that only the owner can read
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return target


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a draft folder that becomes `path` when the block ends well, and vanishes if not.

    Parameters
    ----------
    path : path-like
        Folder to make; one of ours that stands there is replaced.

    Yields
    ------
    Path
        The draft folder to write into; `MARKER`, which lists its files, is added at the end.

    Raises
    ------
    FileExistsError
        If something stands at `path` that is not a results folder, or one holds a file that did
        not come from here.
    """
    target = Path(path)
    _refuse_foreign(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        draft.chmod(0o777 & ~_umask())
        yield draft
        names = sorted({path.name for path in draft.iterdir()} | {MARKER})
        write_text(draft / MARKER, "".join(f"{name}\n" for name in names))
        _refuse_foreign(target)  # the block may have taken long
        if target.exists():
            _swap(draft, target)
        else:
            draft.replace(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _refuse_foreign(target: Path) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    marker = target / MARKER
    if not marker.is_file():
        raise FileExistsError(
            f"{target} exists and is not a results folder (it holds no {MARKER}): "
            "name another folder, or remove it first"
        )
    listed = marker.read_text(encoding="utf-8").splitlines()
    strangers = sorted(path.name for path in target.iterdir() if path.name not in listed)
    if strangers:
        raise FileExistsError(
            f"{target} would be replaced, and holds {', '.join(strangers)}, which is not listed in "
            f"its {MARKER}: name another folder, or move what is yours"
        )


def _swap(draft: Path, target: Path) -> None:
    """Put the draft where the target stands; should that fail, the target stands again."""
    bin_ = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        target.replace(bin_ / target.name)
        try:
            draft.replace(target)
        except BaseException:
            (bin_ / target.name).replace(target)
            raise
    finally:
        shutil.rmtree(bin_, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
