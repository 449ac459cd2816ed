"""The model card, written from result files alone: no number in it is typed by hand."""

import html
import re
import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from model_card import replies
from model_card.checkpoint import fingerprint, public_name, read_json, read_run, weight_files
from model_card.errors import ModelCardError
from model_card.metrics import METRICS, PROFILES
from safety import screen, screen_reply

TEMPLATE = Path(__file__).with_name("template.md")
SYSTEMS = ("trained", "untrained", "nearest")
SAMPLES = 5

_FILES = (
    "README.md",
    "added_tokens.json",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "model.safetensors.index.json",
    "results.json",
    "run.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "training_curve.png",
    "vocab.json",
    "vocab.txt",
)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~$!])")


def write_card(
    model: Path,
    results: Path,
    out: Path,
    *,
    model_id: str | None = None,
    dataset_id: str | None = None,
    name: str | None = None,
) -> Path:
    """Write the card of `model` to `out`, and copy results.json into the model folder, whose repo carries it.

    Raises:
        ModelCardError: where the model, its run.json or the results are missing, or the results are another model's.
    """
    run = read_run(model)
    record = read_results(results)
    if record["model_fingerprint"] != fingerprint(model):
        raise ModelCardError(f"{results / 'results.json'} measures another model than {model}; run: make evaluate")
    name = name or (model_id.rsplit("/", 1)[-1] if model_id else f"soulchat-{run['recipe']}")
    card = ModelCard.from_template(
        card_data(run, record, name=name, dataset_id=dataset_id),
        template_path=str(TEMPLATE),
        name=name,
        model_id=model_id or ".",
        run=run,
        results=record,
        parameters=_count(run["parameters"]),
        base_name=public_name(run["base_model"]) if run["base_model"] else None,
        untrained_zh="未经本项目训练的基座模型" if run["base_model"] else "同样的结构与分词器，随机权重",
        training=_training_rows(run),
        curve=(model / "training_curve.png").is_file(),
        profiles=[_profile_table(record, profile) for profile in PROFILES],
        traits=_trait_rows(record),
        corpus_line=_corpus_line(record["corpus"], dataset_id),
        samples=sample_replies(results / "replies-trained.jsonl"),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(str(card).rstrip() + "\n", encoding="utf-8")
    if results.resolve() != model.resolve():
        shutil.copyfile(results / "results.json", model / "results.json")
    return out


def model_files(model: Path) -> dict[str, Path]:
    """What the model's repo holds, by path in the repo: named files only, never what else lies in the folder.

    Raises:
        ModelCardError: where `model` holds no checkpoint.
    """
    named = [path for name in _FILES if (path := model / name).is_file()]
    return {path.name: path for path in sorted(named + weight_files(model))}


def read_results(results: Path) -> dict[str, Any]:
    """`results.json` in the folder `results`, with all that a card needs."""
    path = results / "results.json"
    record = read_json(path, "run: make evaluate")
    missing = {"systems", "n", "corpus", "sampling", "model_fingerprint"} - record.keys()
    missing |= {name for name in SYSTEMS if name not in record.get("systems", {})}
    if missing:
        raise ModelCardError(f"{path} lacks {', '.join(sorted(missing))}; run: make evaluate")
    return record


def card_data(run: dict[str, Any], record: dict[str, Any], *, name: str, dataset_id: str | None) -> ModelCardData:
    """The card's YAML; every metric of the trained model is in its model-index, a plain number."""
    base = run["base_model"]
    return ModelCardData(
        language="zh",
        license="apache-2.0",
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=public_name(base) if base else None,
        base_model_relation="finetune" if base else None,
        tags=["soulchat", "counselling", "empathy", "mental-health", "multi-turn", "chinese"],
        datasets=[dataset_id] if dataset_id else None,
        metrics=["bleu", "rouge"],
        model_name=name,
        eval_results=_eval_results(record, dataset_id),
    )


def sample_replies(path: Path) -> list[dict[str, str]]:
    """The first reply of each topic in order of id, then others, until there are five; fit to stand in Markdown.

    A card is public: an exchange with crisis language, or a reply that the demo would withhold, is passed over.
    """
    if not path.is_file():
        raise ModelCardError(f"{path} is missing; run: make evaluate")
    every = sorted(filter(_showable, replies.read(path)), key=lambda record: str(record["id"]))
    firsts: dict[str | None, replies.Record] = {}
    for record in every:
        firsts.setdefault(record["topic"], record)
    chosen = list(firsts.values())
    chosen += [record for record in every if record not in chosen]
    return [{key: _inline(record[key]) for key in ("message", "reply", "reference")} for record in chosen[:SAMPLES]]


def _showable(record: replies.Record) -> bool:
    return screen(record["message"]).tier in ("none", "distress") and not screen_reply(record["reply"])


def _eval_results(record: dict[str, Any], dataset_id: str | None) -> list[EvalResult]:
    corpus = record["corpus"]
    return [
        EvalResult(
            task_type="text-generation",
            task_name="Counsellor's reply from the gold history",
            dataset_type=dataset_id or corpus["name"],
            dataset_name="SoulChatCorpus",
            dataset_config="default",
            dataset_split="test",
            dataset_args={"hash": corpus["hash"], "replies": record["n"]},
            metric_type=metric.split("-")[0],
            metric_name=f"{metric.upper()} ({profile})",
            metric_config=profile,
            metric_value=float(score[metric]),
            metric_args={"interval_95": score["interval"][metric], "signature": score["signature"]},
        )
        for profile in PROFILES
        for score in (record["systems"]["trained"][profile],)
        for metric in METRICS
    ]


def _profile_table(record: dict[str, Any], profile: str) -> dict[str, Any]:
    scores = [record["systems"][system][profile] for system in SYSTEMS]
    rows = [(metric.upper(), [_with_interval(score, metric) for score in scores]) for metric in METRICS]
    return {"name": profile, "signature": scores[0]["signature"], "rows": rows}


def _with_interval(score: dict[str, Any], metric: str) -> str:
    bounds = score["interval"][metric]
    return f"{score[metric]:.2f}" + ("" if bounds is None else f" [{bounds[0]:.2f}, {bounds[1]:.2f}]")


def _trait_rows(record: dict[str, Any]) -> list[tuple[str, list[str]]]:
    labels = {
        "distinct-2": "distinct-2, %",
        "mean_length": "平均字数 · mean characters",
        "question_rate": "含问句 · with a question, %",
    }
    return [(label, [f"{record['systems'][system][key]:.2f}" for system in SYSTEMS]) for key, label in labels.items()]


def _training_rows(run: dict[str, Any]) -> list[tuple[str, str]]:
    losses = run["losses"]
    shown = {
        "配方 · recipe": run["recipe"],
        "基座 · base model": public_name(run["base_model"])
        if run["base_model"]
        else "无，从零训练 · none, from scratch",
        "参数 · parameters": _count(run["parameters"]),
        "语料 · corpus": _trained_on(run["corpus"]),
        "步数 · steps": _count(run["steps"]),
        "词元 · tokens": _count(run["tokens"]),
        "计入损失的词元 · supervised tokens": _count(run["supervised_tokens"]),
        "用时 · seconds": _count(run["seconds"]),
        "词元每秒 · tokens per second": _count(run["tokens_per_second"]),
        "损失，首 → 末 · loss, first → last": f"{_loss(losses['first'])} → {_loss(losses['last'])}",
        "验证损失 · validation loss": _loss(losses["validation"]),
        "进程 · processes": run["world_size"],
        "DeepSpeed": _flat(run["deepspeed"]) if run["deepspeed"] else "否 · no",
        "随机种子 · seed": run["seed"],
        "版本 · versions": _flat(run["versions"]),
    }
    return [(label, _inline(str(value))) for label, value in shown.items()]


def _corpus_line(corpus: dict[str, Any], dataset_id: str | None) -> str:
    sizes = ", ".join(f"{split} {_count(size)}" for split, size in corpus["splits"].items())
    return f"`{dataset_id or corpus['name']}` (hash `{corpus['hash']}`; {sizes})"


def _trained_on(corpus: dict[str, Any]) -> str:
    used = ", ".join(
        f"{split} {_count(size)} ({_count(corpus['tokens'][split])} tokens)"
        for split, size in corpus["conversations"].items()
    )
    return f"{public_name(corpus['name'])} (fingerprint {corpus['fingerprint']}): {used}"


def _flat(value: Any) -> str:
    return ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else str(value)


def _count(value: Any) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) else "-"


def _loss(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def _inline(text: str) -> str:
    """On one line, and inert: what a model or a person wrote is neither Markdown nor HTML."""
    printable = "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))
    escaped = _MARKDOWN.sub(r"\\\1", printable)
    return html.escape(escaped, quote=False) or "（空 · empty）"
