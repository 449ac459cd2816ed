"""Trains the byte-level BPE of a from-scratch model, and writes the chat template into it."""

from collections.abc import Iterable
from typing import Any

from training.prompt import CHAT_TEMPLATE, CUE, USER_LABEL

EOS = "<|endofturn|>"
PAD = "<|pad|>"

# Labels are split off before the words are: no token crosses the cue, whichever way a prompt is tokenised, whole or
# in segments. Digits are single tokens; runs of letters, of punctuation and of white space stay apart.
_LABELS = rf"\n{CUE}|{USER_LABEL}"
_WORDS = r"\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+"


def train_tokenizer(texts: Iterable[str], *, vocab_size: int, window: int) -> Any:
    """A `PreTrainedTokenizerFast` trained in one pass over `texts` (formatted conversations, without EOS)."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_LABELS), behavior="isolated"),
            pre_tokenizers.Split(Regex(_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[EOS, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=EOS,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        model_max_length=window,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
