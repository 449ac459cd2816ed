"""Counselling material to SoulChatCorpus: Parquet with one config per topic, and a dataset card."""
