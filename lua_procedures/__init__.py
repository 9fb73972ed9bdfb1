"""Lua procedures in Jupyter."""
