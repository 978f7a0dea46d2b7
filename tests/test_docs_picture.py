"""The README's picture is what its script draws."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "images" / "walikale-price.png"


def size_px(path: Path) -> tuple[int, int]:
    """Read width and height from the header of a PNG file."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert head[12:16] == b"IHDR"
    width, height = struct.unpack(">II", head[16:])
    return width, height


def test_the_script_draws_the_readmes_picture(tmp_path):
    path = tmp_path / "picture.png"
    script = DOCS / "draw_readme_picture.py"
    subprocess.run([sys.executable, script, path], check=True, cwd=tmp_path)
    # An older matplotlib rounds to a pixel less.
    np.testing.assert_allclose(size_px(path), (1400, 760), atol=1)
    np.testing.assert_allclose(size_px(KEPT), (1400, 760), atol=1)
    assert [found.name for found in tmp_path.iterdir()] == ["picture.png"]


def test_the_picture_says_nothing_of_when_and_with_what_it_was_drawn():
    assert not [mark for mark in (b"tEXt", b"iTXt", b"tIME") if mark in KEPT.read_bytes()]
