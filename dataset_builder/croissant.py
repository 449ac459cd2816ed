"""croissant.json, the corpus described for machines: MLCommons Croissant 1.1, with hashes of every file.

Each config is a record set over its own files. Splits are a record set too, named by the field `split`, which is read
from the name of the file that a row came from.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_builder.corpus import FEATURES, SINGLE_TURN, partition_folder
from dataset_builder.splits import SPLITS

CITATION = """@inproceedings{chen-etal-2023-soulchat,
  title = "{S}oul{C}hat: Improving {LLM}s' Empathy, Listening, and Comfort Abilities through Fine-tuning with Multi-turn Empathy Conversations",
  author = "Chen, Yirong and Xing, Xiaofen and Lin, Jingkai and Zheng, Huimin and Wang, Zhenyu and Liu, Qi and Xu, Xiangmin",
  booktitle = "Findings of the Association for Computational Linguistics: EMNLP 2023",
  year = "2023",
}"""  # noqa: E501
CONDITIONS = (
    "Where the repository is gated, whoever asks for access agrees to: research use only; no diagnosis or treatment; "
    "anything that talks to people has crisis screening and referral to humans beside it; no attempt to identify "
    "anybody."
)
LICENSES = {
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-nc-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "cc-by-nc-sa-4.0": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "mit": "https://opensource.org/license/mit",
}
"""Where the licences of rows are written down; one that is not here is named as it is."""
DESCRIPTIONS = {
    "id": "Derived from the content: stable across rebuilds.",
    "topic": "One of the paper's 12 counselling topics; absent where nobody says.",
    "messages": "The conversation: user and assistant alternate, the user first, the counsellor (assistant) last.",
    "messages/role": "user or assistant.",
    "messages/content": "What was said.",
    "question_id": "The single-turn question that the conversation came from: no question is in two splits.",
    "source": "Where the row came from.",
    "license": "The licence of the row.",
    "rewriter": "What wrote the conversation: a model and its prompt, or human.",
}
_CONTEXT = Path(__file__).with_name("croissant_context.json")  # of Croissant 1.1, the same in every file


def croissant(
    folder: Path, configs: list[str], *, name: str, description: str, licenses: list[str], published: str, version: str
) -> dict[str, Any]:
    """The JSON-LD of the built corpus in `folder`, which `mlcroissant` reads where croissant.json lies in it.

    `configs` are the names of the card's `configs:`; `licenses` the licences of the rows, as the rows name them;
    `published` an ISO date; `version` of three numbers. Reads every shard once, to hash it.
    """
    places = {config: _folder(folder, config) for config in configs}
    return {
        "@context": json.loads(_CONTEXT.read_text(encoding="utf-8")),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": name,
        "description": description,
        "inLanguage": "zh",
        "keywords": ["counselling", "empathy", "mental health", "multi-turn conversations", "Chinese"],
        "license": [LICENSES.get(license, license) for license in licenses],
        "conditionsOfAccess": CONDITIONS,
        "citeAs": CITATION,
        "creator": {"@type": "sc:Organization", "name": "the SoulChat project"},
        "datePublished": published,
        "version": version,
        "isLiveDataset": False,
        "distribution": list(_distribution(folder, places)),
        "recordSet": [_splits(), *(_record_set(config) for config in configs)],
    }


def _folder(folder: Path, config: str) -> str:
    """Where a config's files lie: the corpus is all of data/topics, or all single turns where it has nothing else."""
    if config == "default":
        return partition_folder("*" if (folder / "data" / "topics").is_dir() else SINGLE_TURN)
    return partition_folder(config)


def _distribution(folder: Path, places: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Every shard, with its hash, and the shards of each config as a set."""
    shards = sorted({path for place in places.values() for path in folder.glob(f"{place}/*.parquet")})
    for path in shards:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        where = path.relative_to(folder).as_posix()
        yield {
            "@type": "cr:FileObject",
            "@id": where,
            "name": where,
            "contentUrl": where,
            "contentSize": f"{path.stat().st_size} B",
            "encodingFormat": "application/x-parquet",
            "sha256": digest,
        }
    for config, place in places.items():
        yield {
            "@type": "cr:FileSet",
            "@id": f"files-of-{config}",
            "encodingFormat": "application/x-parquet",
            "includes": f"{place}/*.parquet",
        }


def _splits() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [{"@type": "cr:Field", "@id": "splits/name", "dataType": "sc:Text"}],
        "data": [{"splits/name": split} for split in SPLITS],
    }


def _record_set(config: str) -> dict[str, Any]:
    files = {"fileSet": {"@id": f"files-of-{config}"}}
    split = {
        **_field(config, "split"),
        "description": "From the name of the file.",
        "references": {"field": {"@id": "splits/name"}},
        "source": {**files, "extract": {"fileProperty": "filename"}, "transform": {"regex": f"({'|'.join(SPLITS)})"}},
    }
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "key": {"@id": f"{config}/id"},
        "field": [
            split,
            *(_messages(config, files) if n == "messages" else _column(config, n, files) for n in FEATURES),
        ],
    }


def _column(config: str, name: str, files: Mapping[str, Any]) -> dict[str, Any]:
    return {**_field(config, name), "source": {**files, "extract": {"column": name}}}


def _messages(config: str, files: Mapping[str, Any]) -> dict[str, Any]:
    """A repeated field of roles and contents, taken out of the one Parquet column that holds both."""
    parts = []
    for part in ("role", "content"):
        source = {**files, "extract": {"column": "messages"}, "transform": {"jsonPath": part}}
        parts.append({**_field(config, f"messages/{part}"), "source": source})
    whole = {key: value for key, value in _field(config, "messages").items() if key != "dataType"}
    return {**whole, "repeated": True, "subField": parts}


def _field(config: str, name: str) -> dict[str, Any]:
    described = {"description": DESCRIPTIONS[name]} if name in DESCRIPTIONS else {}
    return {"@type": "cr:Field", "@id": f"{config}/{name}", "dataType": "sc:Text", **described}
