"""What can go wrong on the way to a running server."""


class ServerError(RuntimeError):
    """A test server cannot be had; the message says why, and what to do about it."""
