"""Runs without a notebook: ``lua-procedures``, which is ``python -m lua_procedures``."""
