"""What answers ``Model("name")``."""
