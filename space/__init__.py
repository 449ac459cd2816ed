"""The public multi-turn chat demo, and the files that make it a Hugging Face Space."""
