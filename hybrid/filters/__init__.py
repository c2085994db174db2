"""Which documents may match? Expression text ⇄ tree, and what a tree means."""
