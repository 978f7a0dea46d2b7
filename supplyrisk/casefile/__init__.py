"""Case files: a case as TOML, and the cases that come with the library."""

from supplyrisk.casefile.bundled import cases, load_case, load_outcome
from supplyrisk.casefile.write import case_text, save_case

__all__ = ["case_text", "cases", "load_case", "load_outcome", "save_case"]
