"""The nano model, and the loss that computes logits only where there is a label."""

from typing import Any

import torch
from torch import nn

from training.config import Recipe
from training.encode import IGNORED


def build_model(recipe: Recipe, tokenizer: Any) -> Any:
    """A Qwen3-shaped causal model with fresh weights, a function of the recipe's seed; any transformers loads it."""
    from transformers import GenerationConfig, Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(recipe.seed)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            intermediate_size=recipe.intermediate_size,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.kv_heads,
            head_dim=recipe.head_dim,
            max_position_embeddings=recipe.window,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            use_cache=True,
        )
    )
    # The paper's decoding (section 3.2), so that a plain `generate` draws replies as it did.
    model.generation_config = GenerationConfig(
        do_sample=True,
        top_p=0.75,
        temperature=0.95,
        max_new_tokens=128,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return model


class SupervisedLoss(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Sums the cross entropy over the labelled tokens of packed rows.

    Called as one module, so that DeepSpeed's ZeRO-3 hooks see a single forward pass. Logits are computed for labelled
    positions alone: about half of a counselling corpus, and the widest tensor of a small model.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        hidden = self.model.base_model(
            input_ids=input_ids, position_ids=position_ids, use_cache=False
        ).last_hidden_state[:, :-1]
        targets = labels[:, 1:]
        supervised = targets != IGNORED
        logits = self.model.get_output_embeddings()(hidden[supervised]).float()
        return nn.functional.cross_entropy(logits, targets[supervised], reduction="sum")


def supervised_tokens(labels: torch.Tensor) -> int:
    """How many tokens of these rows the loss counts."""
    return int((labels[:, 1:] != IGNORED).sum())
