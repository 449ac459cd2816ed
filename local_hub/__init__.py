"""A Hub on this machine, for unmodified huggingface_hub, datasets, transformers and gradio by way of HF_ENDPOINT."""

from local_hub.server import HubBusy, serving

__all__ = ["HubBusy", "serving"]
