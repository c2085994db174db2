"""The demo: a corpus that every Python already carries."""
