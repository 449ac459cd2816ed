"""Checkpoint to measured results, and from those to the model card."""
