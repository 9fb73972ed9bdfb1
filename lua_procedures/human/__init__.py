"""Requests to people, answers, and who answers."""
