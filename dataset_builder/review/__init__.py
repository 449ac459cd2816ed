"""Proofreading: what people decide about conversations, and how the corpus follows."""
