"""transformers: a tiny model and its tokenizer pushed, in shards too, trained, resumed, and loaded bit for bit."""

import sys

import torch
from huggingface_hub import PyTorchModelHubMixin, snapshot_download
from place import Place, refused, run
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.utils.data import Dataset
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    pipeline,
)

WORDS = {"[UNK]": 0, "hello": 1, "world": 2, "你好": 3}


def a_model_is_pushed_and_loaded_bit_for_bit(at: Place) -> None:
    model = _model()
    model.push_to_hub(at.repo)
    assert {"config.json", "generation_config.json", "model.safetensors"} <= set(at.files())
    assert _same(model, AutoModelForCausalLM.from_pretrained(at.repo))


def a_model_is_pushed_in_shards(at: Place) -> None:
    model = _model(hidden_size=64)
    model.push_to_hub(at.repo, max_shard_size="40KB")
    shards = [path for path in at.files() if path.endswith(".safetensors")]
    assert len(shards) > 2 and "model.safetensors.index.json" in at.files()
    assert _same(model, AutoModelForCausalLM.from_pretrained(at.repo))


def a_tokenizer_is_pushed_and_loaded(at: Place) -> None:
    tokenizer = _tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    tokenizer.push_to_hub(at.repo)
    loaded = AutoTokenizer.from_pretrained(at.repo)
    assert loaded("hello 你好 again")["input_ids"] == [1, 3, 0]
    assert loaded.apply_chat_template([{"role": "user", "content": "hello"}], tokenize=False) == "hello "


def a_config_and_generation_config_are_pushed(at: Place) -> None:
    _model().config.push_to_hub(at.repo)
    GenerationConfig(max_new_tokens=7, temperature=0.5, do_sample=True).push_to_hub(at.repo)
    assert AutoConfig.from_pretrained(at.repo).hidden_size == 8
    assert GenerationConfig.from_pretrained(at.repo).max_new_tokens == 7


def a_private_model_needs_its_token(at: Place) -> None:
    _model().push_to_hub(at.repo, private=True)
    assert at.api.model_info(at.repo).private
    AutoModelForCausalLM.from_pretrained(at.repo, token="local")
    try:
        AutoConfig.from_pretrained(at.repo, token=False, cache_dir=at.work / "fresh")
    except OSError as error:
        assert "is not a local folder" in str(error) or "private" in str(error)
        return
    raise AssertionError


def a_revision_and_a_pull_request_are_loaded(at: Place) -> None:
    old, new, idea = _model(1), _model(2), _model(3)
    old.push_to_hub(at.repo)
    at.api.create_tag(at.repo, tag="v1")
    new.push_to_hub(at.repo)
    idea.push_to_hub(at.repo, create_pr=True)
    for model, revision in ((old, "v1"), (new, "main"), (idea, "refs/pr/1")):
        assert _same(model, AutoModelForCausalLM.from_pretrained(at.repo, revision=revision))


def a_branch_is_pushed_to(at: Place) -> None:
    first, second = _model(1), _model(2)
    first.push_to_hub(at.repo)
    at.api.create_branch(at.repo, branch="dev/step-100")
    second.push_to_hub(at.repo, revision="dev/step-100")
    assert _same(first, AutoModelForCausalLM.from_pretrained(at.repo))
    assert _same(second, AutoModelForCausalLM.from_pretrained(at.repo, revision="dev/step-100"))


def a_subfolder_is_loaded(at: Place) -> None:
    model = _model()
    model.save_pretrained(at.work / "model")
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.work / "model", path_in_repo="best/one")
    assert _same(model, AutoModelForCausalLM.from_pretrained(at.repo, subfolder="best/one"))


def a_gated_model_tells_strangers_so(at: Place) -> None:
    _model().push_to_hub(at.repo)
    at.api.update_repo_settings(at.repo, gated="manual")
    try:
        AutoConfig.from_pretrained(at.repo, token=False, cache_dir=at.work / "fresh")
    except OSError as error:
        assert "gated repo" in str(error)
        return
    raise AssertionError


def the_cache_loads_without_the_server(at: Place) -> None:
    _model().push_to_hub(at.repo)
    AutoModelForCausalLM.from_pretrained(at.repo)
    script = f"from transformers import AutoModelForCausalLM as A; A.from_pretrained({at.repo!r})"
    run([sys.executable, "-c", script], HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")


def a_pipeline_speaks(at: Place) -> None:
    _model().push_to_hub(at.repo)
    _tokenizer().push_to_hub(at.repo)
    spoken = pipeline("text-generation", model=at.repo)("hello world", max_new_tokens=3, do_sample=False)
    assert spoken[0]["generated_text"].startswith("hello world")


def a_missing_model_is_said_to_be_missing(at: Place) -> None:
    refused(404, at.api.model_info, at.repo)
    try:
        AutoModelForCausalLM.from_pretrained(at.repo)
    except OSError as error:
        assert "is not a local folder" in str(error)
        return
    raise AssertionError


def a_trainer_pushes_checkpoints_and_the_end(at: Place) -> None:
    trainer = _trainer(at, "first", 4)
    trainer.train()
    trainer.push_to_hub(commit_message="Trained")
    assert {"model.safetensors", "README.md", "last-checkpoint/trainer_state.json"} <= set(at.files())
    assert _same(trainer.model, AutoModelForCausalLM.from_pretrained(at.repo))


def training_resumes_from_the_pushed_checkpoint_as_if_unbroken(at: Place) -> None:
    _trainer(at, "first", 4).train()
    snapshot_download(at.repo, local_dir=at.work / "rest", allow_patterns="last-checkpoint/*")
    rest, whole = _trainer(at, "rest", 6), _trainer(at, "whole", 6, push=False)
    rest.train(resume_from_checkpoint=str(at.work / "rest" / "last-checkpoint"))
    whole.train()
    assert rest.state.global_step == 6 and _same(rest.model, whole.model)
    rest.push_to_hub()
    assert _same(whole.model, AutoModelForCausalLM.from_pretrained(at.repo))


def any_module_is_pushed_by_the_mixin(at: Place) -> None:
    model = Scorer(width=5)
    model.push_to_hub(at.repo)
    loaded = Scorer.from_pretrained(at.repo)
    assert loaded.width == 5 and _same(model, loaded)


class Scorer(torch.nn.Module, PyTorchModelHubMixin):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.head = torch.nn.Linear(width, 1)


class Greetings(Dataset):
    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        tokens = [1, 2, 3, index % 4]
        return {"input_ids": tokens, "labels": tokens}


def _trainer(at: Place, folder: str, steps: int, *, push: bool = True) -> Trainer:
    arguments = TrainingArguments(
        output_dir=str(at.work / folder),
        max_steps=steps,
        save_steps=2,
        per_device_train_batch_size=2,
        push_to_hub=push,
        hub_model_id=at.repo,
        hub_strategy="checkpoint",
        lr_scheduler_type="constant",  # else the step to end at would change every step before it
        use_cpu=True,
        report_to=[],
        seed=7,
    )
    return Trainer(model=_model(), args=arguments, train_dataset=Greetings(), processing_class=_tokenizer())


def _model(seed: int = 0, **sizes: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1, **sizes}
    return LlamaForCausalLM(LlamaConfig(vocab_size=len(WORDS), tie_word_embeddings=False, **shape))


def _tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", pad_token="[UNK]")


def _same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)
