"""transformers against the Hub in HF_ENDPOINT: push a tiny model and its tokenizer, load them back."""

import json

import torch
from huggingface_hub import HfApi
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

words = Tokenizer(models.WordLevel({"[UNK]": 0, "hello": 1, "world": 2}, unk_token="[UNK]"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]")
config = LlamaConfig(
    vocab_size=3,
    hidden_size=8,
    intermediate_size=8,
    num_hidden_layers=1,
    num_attention_heads=1,
    tie_word_embeddings=False,
)
model = LlamaForCausalLM(config)
model.push_to_hub("local/tiny")
tokenizer.push_to_hub("local/tiny")
loaded = AutoModelForCausalLM.from_pretrained("local/tiny")
pairs = zip(model.state_dict().values(), loaded.state_dict().values(), strict=True)
print(
    json.dumps(
        {
            "files": sorted(HfApi().list_repo_files("local/tiny")),
            "weights": all(torch.equal(ours, theirs) for ours, theirs in pairs),
            "tokens": AutoTokenizer.from_pretrained("local/tiny")("hello world again")["input_ids"],
        }
    )
)
