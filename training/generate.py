"""The one inference module: replies to conversations, batched or streaming, from a checkpoint or an endpoint.

Evaluation and the Space both use it, and the Space's repo carries it unchanged.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urldefrag

from training.prompt import Message, reply_so_far, truncate

REQUEST_TIMEOUT = 120.0  # seconds an endpoint may stay silent


@dataclass(frozen=True)
class Sampling:
    """How replies are drawn; the defaults are the paper's (section 3.2), but for the length."""

    max_new_tokens: int = 128
    temperature: float = 0.95  # 0 decodes greedily
    top_p: float = 0.75
    seed: int = 0  # a batch of replies is a function of the conversations and this


class Model(Protocol):
    """Something that replies as the counsellor to conversations that end with a user message."""

    def replies(self, conversations: Sequence[Sequence[Message]], sampling: Sampling) -> list[str]:
        """One reply a conversation, in order; over-long histories lose whole oldest rounds."""

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """The reply as it grows: each item is all of it so far. Closing the iterator stops the generation."""


def load(model: str) -> Model:
    """The model at `model`: a checkpoint folder, a Hub repo id, or `http(s)://host/v1#name` for an OpenAI endpoint."""
    if model.startswith(("http://", "https://")):
        base_url, name = urldefrag(model)
        if not name:
            raise ValueError(f"the endpoint {model!r} names no model; write it as {base_url}#NAME")
        return Endpoint(base_url, name)
    return LocalModel.from_pretrained(model)


class LocalModel:
    """A causal language model of transformers in this process, with its tokenizer."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.window = int(model.config.max_position_embeddings)

    @classmethod
    def from_pretrained(cls, model: str) -> "LocalModel":
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        on_gpu = torch.cuda.is_available()
        # bf16 is ten times slower than fp32 on the CPUs that this was measured on.
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype="auto" if on_gpu else torch.float32)
        return cls(loaded.to("cuda" if on_gpu else "cpu"), AutoTokenizer.from_pretrained(model))

    def replies(self, conversations: Sequence[Sequence[Message]], sampling: Sampling) -> list[str]:
        if not conversations:
            return []
        import torch

        inputs = self._inputs(conversations, sampling)
        torch.manual_seed(sampling.seed)
        with torch.inference_mode():
            output = self.model.generate(**inputs, generation_config=self._generation_config(sampling))
        new = output[:, inputs["input_ids"].shape[1] :]
        return [reply_so_far(text) for text in self.tokenizer.batch_decode(new, skip_special_tokens=True)]

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        import torch
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        inputs = self._inputs([messages], sampling)
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        closed, failure = threading.Event(), []

        def stop(input_ids: Any, scores: Any, **_: Any) -> Any:
            return torch.full((input_ids.shape[0],), closed.is_set(), device=input_ids.device)

        def generate() -> None:
            try:
                torch.manual_seed(sampling.seed)
                with torch.inference_mode():
                    self.model.generate(
                        **inputs,
                        generation_config=self._generation_config(sampling),
                        streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([stop]),
                    )
            except BaseException as error:
                failure.append(error)
                streamer.end()

        worker = threading.Thread(target=generate, daemon=True)
        worker.start()
        try:
            yield from _growing(streamer)
        finally:
            closed.set()
            worker.join()
        if failure:
            raise failure[0]

    def _inputs(self, conversations: Sequence[Sequence[Message]], sampling: Sampling) -> dict[str, Any]:
        """Left-padded ids and mask, each prompt cut to what the window leaves beside the reply."""
        import torch

        from training.encode import encode_rounds, token_counter

        limit = self.window - sampling.max_new_tokens
        count, eos = token_counter(self.tokenizer), self.tokenizer.eos_token
        kept = [truncate(messages, limit, count, eos=eos) for messages in conversations]
        prompts = [[i for turns in r for i in turns.ids] for r in encode_rounds(self.tokenizer, kept, cue=True)]
        width = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id
        ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        return {"input_ids": ids.to(self.model.device), "attention_mask": mask.to(self.model.device)}

    def _generation_config(self, sampling: Sampling) -> Any:
        from transformers import GenerationConfig

        drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p} if sampling.temperature else {}
        return GenerationConfig(
            max_new_tokens=sampling.max_new_tokens,
            do_sample=bool(sampling.temperature),
            eos_token_id=self.tokenizer.eos_token_id,
            pad_token_id=self.tokenizer.pad_token_id,
            **drawn,
        )


class Endpoint:
    """A model behind an OpenAI-compatible endpoint, which applies its own chat template."""

    def __init__(self, base_url: str, name: str, *, api_key: str | None = None, window: int = 2048) -> None:
        import os

        from openai import OpenAI

        key = api_key or os.environ.get("OPENAI_API_KEY") or "none"  # local servers ask for any key
        self.client = OpenAI(base_url=base_url, api_key=key, timeout=REQUEST_TIMEOUT)
        self.name = name
        self.window = window  # tokens; a Chinese character is at most about one, so characters are counted

    def replies(self, conversations: Sequence[Sequence[Message]], sampling: Sampling) -> list[str]:
        return [self._ask(messages, sampling) for messages in conversations]

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        with self.client.chat.completions.create(**self._request(messages, sampling), stream=True) as chunks:
            yield from _growing(c.choices[0].delta.content or "" for c in chunks if c.choices)

    def _ask(self, messages: Sequence[Message], sampling: Sampling) -> str:
        answer = self.client.chat.completions.create(**self._request(messages, sampling))
        return reply_so_far(answer.choices[0].message.content or "")

    def _request(self, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
        return {
            "model": self.name,
            "messages": truncate(messages, self.window - sampling.max_new_tokens, len),
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
        }


def _growing(pieces: Any) -> Iterator[str]:
    """The reply after each piece, once it shows something new; ends where a stop string begins."""
    text, shown = "", ""
    for piece in pieces:
        text += piece
        reply = reply_so_far(text, finished=False)
        if reply != shown:
            shown = reply
            yield reply
        if reply_so_far(text) != text.strip():  # a stop string has come: the reply is over
            return
    if (reply := reply_so_far(text)) != shown:
        yield reply
