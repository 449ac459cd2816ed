"""What can go wrong for a user of this package."""


class ModelCardError(ValueError):
    """A file, corpus or model that cannot be measured or described; the message names it, its value and the fix."""
