"""What a file is, by its bytes: text in which encoding, or something else."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import Final

from supplyrisk.errors import Fault, InvalidInputError

_BLOCK: Final = 1 << 18
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT: Final = (
    (b"PK\x03\x04", "is a zip archive or an Excel workbook, not text: unpack it, or save as CSV"),
    (b"\x1f\x8b", "is compressed with gzip: unpack it first"),
    (b"BZh", "is compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "is compressed with xz: unpack it first"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook (.xls), not text: save it as CSV"),
    (b"%PDF", "is a PDF, not a table"),
    (b"\x89PNG", "is a picture, not a table"),
    (b"PAR1", "is a Parquet file, not text"),
)
_PAGE: Final = (
    b"<!--",
    b"<!doctype",
    b"<html",
    b"<head",
    b"<body",
    b"<table",
    b"<?xml",
    b"<div",
    b"<script",
)


def encoding_of(path: Path, given: str | None, fallback: str | None) -> str:
    """Look at the bytes once: what they are, and whether all of them are text."""
    with path.open("rb") as file:
        head = file.read(_BLOCK)
        if not head:
            raise InvalidInputError(str(path), [Fault("file", "must not be empty", "0 bytes")])
        _refuse_other_files(path, head)
    said = "utf-8" if given is None else _known(given)
    for mark, encoding in _MARKS:
        own = encoding.removesuffix("-sig")
        if head.startswith(mark) and (given is None or said.startswith(own)):
            return _decode(path, encoding)
    if given is not None:
        return _decode(path, said)
    if guess := _wide(head[:1000]):
        rule = f"must be UTF-8 text; it looks like UTF-16 without a mark: say encoding='{guess}'"
        raise InvalidInputError(str(path), [Fault("file", rule, head[:40])])
    try:
        return _decode(path, "utf-8")
    except InvalidInputError:
        if fallback is None:
            raise
    return _decode(path, fallback)


def _wide(head: bytes) -> str:
    """Name the UTF-16 that Latin text seems to be in: every other byte of it is zero."""
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) < len(head) / 4:
        return ""
    return "utf-16-be" if first > second else "utf-16-le"


def _refuse_other_files(path: Path, head: bytes) -> None:
    for magic, rule in _NO_TEXT:
        if head.startswith(magic):
            raise InvalidInputError(str(path), [Fault("file", rule, head[:8])])
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith(_PAGE):
        rule = "is a web page or XML saved under the name of a table: download the data itself"
        raise InvalidInputError(str(path), [Fault("file", rule, head.strip()[:60])])


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)  # fails for what is no encoding of text, such as base64
        return codecs.lookup(encoding).name
    except LookupError:
        raise ValueError(
            f"encoding must be one that Python knows, such as 'utf-8' or 'cp1252', got {encoding!r}"
        ) from None


def _decode(path: Path, encoding: str) -> str:
    """Decode the whole file block by block, keeping nothing, or name the line that cannot be."""
    plain = codecs.getincrementaldecoder(encoding)()
    decoder = io.IncrementalNewlineDecoder(plain, translate=True)  # a line may end in CR alone
    line = 1
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            try:
                line += decoder.decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                good = error.object[: error.start]
                line += good.count(b"\n") + good.count(b"\r") - good.count(b"\r\n")
                rule = (
                    f"must be {encoding} text: {error.reason} (if the file comes from an older "
                    "Windows program, say encoding='cp1252' where the reader takes it, or save it "
                    "as UTF-8)"
                )
                bad = error.object[error.start : error.end]
                raise InvalidInputError(str(path), [Fault(f"line {line}", rule, bad)]) from None
            if not block:
                return encoding
