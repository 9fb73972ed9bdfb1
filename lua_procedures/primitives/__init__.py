"""What a Lua call means, and the table that describes every primitive."""
