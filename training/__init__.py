"""Corpus to checkpoint; owns `training.prompt`, the one place where a conversation becomes model input.

Nothing is imported here: `import training.prompt` must stay free of torch and transformers, so that the Space can
carry it and a data job can use it in milliseconds.
"""
