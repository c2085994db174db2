"""Two simulated stores in one process, faults from a seeded schedule, and an oracle that says what was lost."""
