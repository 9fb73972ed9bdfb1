"""What of Tactus its protocols need: the real package has the same names (tests/kernel/test_tactus.py compares)."""
