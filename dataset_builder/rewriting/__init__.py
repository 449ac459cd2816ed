"""Turns single-turn counselling into conversations: prompts, the engine that asks, the checks on what comes back."""
