"""From a case to its simulated futures."""
