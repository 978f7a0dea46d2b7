"""Data frames in, values of the model out."""

from supplyrisk.data.frames import sites_from_frame

__all__ = ["sites_from_frame"]
