"""What the world is made of: plain, frozen, validated values.  No arrays, no files."""
