"""Runs as files: to read, to review, and to take into another store."""
