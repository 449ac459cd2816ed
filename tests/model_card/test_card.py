import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from model_card.card import model_files, sample_replies, write_card
from model_card.errors import ModelCardError
from model_card.evaluate import EvaluateConfig, evaluate
from model_card.metrics import METRICS


@pytest.fixture(scope="module")
def measured(model, corpus, tmp_path_factory) -> tuple[Path, Path]:
    """A model folder and the results of measuring it."""
    results = tmp_path_factory.mktemp("results")
    evaluate(EvaluateConfig(model, str(corpus), results, max_replies=12, max_new_tokens=24))
    return model, results


@pytest.fixture
def folders(measured, tmp_path) -> tuple[Path, Path]:
    model, results = measured
    return Path(shutil.copytree(model, tmp_path / "model")), Path(shutil.copytree(results, tmp_path / "results"))


def test_every_metric_is_a_plain_number_in_the_model_index(folders):
    model, results = folders
    path = write_card(model, results, model / "README.md", dataset_id="you/soulchat")
    data = ModelCard.load(path).data
    scores = json.loads((results / "results.json").read_text())["systems"]["trained"]
    assert len(data.eval_results) == 14
    for result in data.eval_results:
        metric = result.metric_name.partition(" ")[0].lower()
        score = scores[result.metric_config][metric]
        assert type(result.metric_value) is float
        assert result.metric_value == score
        assert result.metric_args == {
            "interval_95": scores[result.metric_config]["interval"][metric],
            "signature": scores[result.metric_config]["signature"],
        }
        assert result.dataset_type == "you/soulchat"
    assert {result.metric_name.partition(" ")[0].lower() for result in data.eval_results} == set(METRICS)
    assert (data.language, data.license, data.library_name) == ("zh", "apache-2.0", "transformers")
    assert (data.pipeline_tag, data.datasets, data.model_name) == (
        "text-generation",
        ["you/soulchat"],
        "soulchat-nano",
    )
    assert "!!python" not in path.read_text()
    assert yaml.safe_load(path.read_text().split("---")[1])["model-index"][0]["name"] == "soulchat-nano"


def test_the_card_says_what_a_reader_must_know(folders):
    model, results = folders
    text = write_card(model, results, model / "README.md").read_text()
    for phrase in (
        "12356",
        "110",
        "120",
        "20,480",
        "从零训练",
        "not measured",
        "未测量",
        "EOS",
        "Yirong",
        "Out of scope",
    ):
        assert phrase in text
    record = json.loads((results / "results.json").read_text())
    for system in record["systems"].values():
        for profile in ("paper", "standard"):
            low, high = system[profile]["interval"]["bleu-4"]
            assert f"{system[profile]['bleu-4']:.2f} [{low:.2f}, {high:.2f}]" in text
            assert system[profile]["signature"] in text
    assert text.count("> **用户：**") == 5
    assert "7.410 → 5.320" in text
    assert str(model.parent) not in text  # nothing of this machine
    assert "{{" not in text.replace("{{SoulChat}", "")


def test_the_cards_example_runs_as_it_stands(folders):
    model, results = folders
    text = write_card(model, results, model / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    ran = subprocess.run([sys.executable, "-c", code], cwd=model, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_the_training_curve_is_shown_where_there_is_one(folders):
    model, results = folders
    assert "training_curve.png" not in write_card(model, results, model / "README.md").read_text()
    (model / "training_curve.png").write_bytes(b"\x89PNG")
    assert "](training_curve.png)" in write_card(model, results, model / "README.md").read_text()


def test_a_fine_tuned_model_names_its_base_and_does_not_claim_to_be_small(folders):
    model, results = folders
    run = json.loads((model / "run.json").read_text()) | {"base_model": "Qwen/Qwen3-0.6B", "recipe": "lora"}
    (model / "run.json").write_text(json.dumps(run))
    text = write_card(model, results, model / "README.md", model_id="you/soulchat-lora").read_text()
    data = ModelCard(text).data
    assert (data.base_model, data.base_model_relation) == ("Qwen/Qwen3-0.6B", "finetune")
    assert data.model_name == "soulchat-lora"
    assert "从零训练的" not in text
    assert 'model_id = "you/soulchat-lora"' in text


def test_what_a_model_wrote_stays_text(tmp_path):
    nasty = "<script>x</script> | a\n---\n# 标题 **粗** {{ 7 }}\x07 ![图](http://x)"
    line = {"id": "1", "topic": None, "message": "好", "reply": nasty, "reference": "", "fingerprint": ""}
    (tmp_path / "replies.jsonl").write_text(json.dumps(line) + "\n")
    sample = sample_replies(tmp_path / "replies.jsonl")[0]
    assert "\n" not in sample["reply"]
    assert "<" not in sample["reply"]
    assert "\x07" not in sample["reply"]
    assert r"\!\[图\](http" in sample["reply"]
    assert r"\*\*粗\*\*" in sample["reply"]
    assert sample["reference"] == "（空 · empty）"


def test_samples_are_of_different_topics_first(measured):
    _, results = measured
    records = {r["message"]: r["topic"] for r in map(json.loads, (results / "replies-trained.jsonl").open())}
    topics = [records[sample["message"]] for sample in sample_replies(results / "replies-trained.jsonl")]
    assert len(topics) == 5
    assert len(set(topics)) == len(set(records.values()))


def test_results_of_another_model_are_refused(folders):
    model, results = folders
    config = json.loads((model / "config.json").read_text()) | {"initializer_range": 0.5}
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelCardError, match=r"measures another model .*; run: make evaluate"):
        write_card(model, results, model / "README.md")


@pytest.mark.parametrize(
    ("gone", "fix"),
    [
        ("model/run.json", "make train"),
        ("model/model.safetensors", "make train"),
        ("results/results.json", "make evaluate"),
        ("results/replies-trained.jsonl", "make evaluate"),
    ],
)
def test_a_missing_file_is_named_with_the_target_that_makes_it(folders, gone, fix):
    model, results = folders
    (model.parent / gone).unlink()
    with pytest.raises(ModelCardError, match=f"{re.escape(gone.partition('/')[0])}.*run: {fix}"):
        write_card(model, results, model / "README.md")
    assert not (model / "README.md").exists()


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"losses": 3}'])
def test_a_damaged_run_record_is_a_user_error(folders, content):
    model, results = folders
    (model / "run.json").write_text(content)
    with pytest.raises(ModelCardError, match=r"run\.json .*run: make train"):
        write_card(model, results, model / "README.md")


def test_a_repo_holds_named_files_only(folders):
    model, results = folders
    (model / "optimizer.pt").write_bytes(b"large")
    (model / "notes.txt").write_text("private")
    write_card(model, results, model / "README.md")
    (model / "model-00001-of-00002.safetensors").write_bytes(b"shard")
    files = model_files(model)
    assert set(files) == {
        "README.md",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model-00001-of-00002.safetensors",
        "model.safetensors",
        "results.json",
        "run.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert all(path == model / name for name, path in files.items())
    with pytest.raises(ModelCardError, match="run: make train"):
        model_files(model / "none")


@pytest.mark.parametrize(
    ("message", "reply"),
    [("我不想活了", "我在听。"), ("我很难过", "你可以把药攒起来一次吃完。")],
)
def test_an_exchange_of_crisis_language_is_never_a_sample(tmp_path, message, reply):
    lines = [("我睡不着", "多久了？"), (message, reply)]
    rows = [
        {"id": str(i), "topic": None, "message": m, "reply": r, "reference": "嗯", "fingerprint": ""}
        for i, (m, r) in enumerate(lines)
    ]
    (tmp_path / "replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [sample["message"] for sample in sample_replies(tmp_path / "replies.jsonl")] == ["我睡不着"]
