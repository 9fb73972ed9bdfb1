"""Lua and nothing else: the guest world, values across, errors to lines."""
