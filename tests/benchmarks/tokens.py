"""How many tokens a Chinese character takes: the constants of dataset_builder/rewriting/cost.py and prices.yaml.

    python tests/benchmarks/tokens.py                         # into results/benchmarks/tokens.json

Tokens by characters, punctuation included, over the conversations, questions and answers of the sample, with the
tokenizers of GPT-3.5 and GPT-4 (cl100k_base), GPT-4o and later (o200k_base) and Qwen: installed into build/bench, in
packages that carry their vocabularies, as nothing else may be downloaded.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dialogues import ROOT
from report import finish, write

PACKAGES = ("bpe-openai==0.1.4", "tiktoken==0.14.0", "dashscope==1.24.6")
WITHIN = 0.03
"""How far a constant may be from what is measured."""

# dashscope 1.24.6 carries the ranks; the pattern is that of Qwen's own tokenizer.
COUNT = r"""
import base64, importlib.util, json, sys
from pathlib import Path
import bpe_openai, tiktoken
pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
pattern += r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
folder = Path(importlib.util.find_spec("dashscope").origin).parent
lines = (folder / "resources" / "qwen.tiktoken").read_bytes().splitlines()
ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
encodings = {name: bpe_openai.get_encoding(name).encode for name in ("cl100k_base", "o200k_base")}
encodings["qwen"] = tiktoken.Encoding("qwen", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}).encode
texts = json.load(sys.stdin)
print(json.dumps({
    name: {kind: sum(len(encode(text)) for text in each) / sum(map(len, each)) for kind, each in texts.items()}
    for name, encode in encodings.items()
}))
"""


def sample() -> dict[str, list[str]]:
    """The sample's texts, conversations with their labels."""
    found: dict[str, list[str]] = {"conversations": [], "questions": [], "answers": []}
    speaker = {"user": "用户", "assistant": "心理咨询师"}
    for path in sorted((ROOT / "dataset_builder" / "sample").glob("*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if messages := row.get("messages"):
                talk = "\n".join(f"{speaker[turn['role']]}：{turn['content']}" for turn in messages)
                found["conversations"].append(talk)
            for kind in ("question", "answer"):
                found[f"{kind}s"] += [row[kind]] if row.get(kind) else []
    return found


def _python() -> Path:
    folder = ROOT / "build" / "bench" / "tokens"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "installed").touch()
    return python


def benchmark() -> dict[str, Any]:
    from dataset_builder.rewriting.cost import TOKENS_PER_CHARACTER, prices

    texts = sample()
    done = subprocess.run(
        [_python(), "-c", COUNT], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    stated = {"cl100k_base": prices()["gpt-4"], "o200k_base": prices()["gpt-4o"]}
    limits = {
        f"{name}: {price.tokens_per_character} is within {WITHIN} of each": all(
            abs(price.tokens_per_character - value) <= WITHIN for value in found[name].values()
        )
        for name, price in stated.items()
    }
    dearest = max(value for each in found.values() for value in each.values())
    limits[f"{TOKENS_PER_CHARACTER} is the dearest"] = abs(TOKENS_PER_CHARACTER - dearest) <= 0.01
    return {
        "date": time.strftime("%Y-%m-%d"),
        "packages": PACKAGES,
        "texts": {kind: {"texts": len(each), "characters": sum(map(len, each))} for kind, each in texts.items()},
        "tokens_per_character": {
            name: {kind: round(value, 4) for kind, value in each.items()} for name, each in found.items()
        },
        "limits": limits,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks" / "tokens.json")
    options = parser.parse_args()
    found = benchmark()
    write(found, options.out)
    finish(found["limits"])


if __name__ == "__main__":
    main()
