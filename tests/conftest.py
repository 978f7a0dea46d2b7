"""What every test stands on: a headless Matplotlib and a reproducible Hypothesis."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")  # before anything imports pyplot

from hypothesis import settings

settings.register_profile("fast", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
