"""Tools of MCP servers: who they are, the connections to them, and what a program sees of them."""
