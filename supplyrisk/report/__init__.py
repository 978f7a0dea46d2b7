"""One HTML page about an outlook that needs no network, and its pictures as files."""

from supplyrisk.report._page import page, write
from supplyrisk.report._pictures import pictures, save_pictures

__all__ = ["page", "pictures", "save_pictures", "write"]
