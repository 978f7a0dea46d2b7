"""Questions to a case that no single simulation answers."""
