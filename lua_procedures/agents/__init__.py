"""Agents: which chat model answers, one call of it, and its schemas and failures."""
