"""Public test helpers for users and for authors of stores, responders and models."""
