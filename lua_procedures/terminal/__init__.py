"""Questions at a terminal: prompts instead of forms."""
