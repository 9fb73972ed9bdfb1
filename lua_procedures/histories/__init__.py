"""What a run's journals keep: its branches, what differs between runs, forks of it, and what is deleted of it."""
