"""Packages that only some users need."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def need(module: str, *, extra: str, to: str) -> ModuleType:
    """Import a package that an extra brings.

    Parameters
    ----------
    module : str
        Name of the module, e.g. ``"openpyxl"``.
    extra : str
        Extra of this library that installs it, e.g. ``"io"``.
    to : str
        What it is needed for, as the end of "needed to ...".

    Returns
    -------
    module
        The module.

    Raises
    ------
    ImportError
        If it is not installed; the message names the extra.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # it is there, and lacks something itself
        raise ImportError(
            f"{module} is needed to {to}: pip install 'supplyrisk[{extra}]'", name=module
        ) from error
