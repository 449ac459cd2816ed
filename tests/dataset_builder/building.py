"""Small corpora, built in this process."""

import json

from dataset_builder.build import Build, build
from dataset_builder.config import load_config
from dataset_builder.inputs import inputs
from dataset_builder.pipeline.executors import Executor

SETTINGS = ("topics.labeller=none", "read.rows_per_shard=10")


def build_into(folder, *corpora, settings=(), **more):
    """Build into `folder/soulchat`; a corpus is a word of CORPUS, or rows. Topics only where rows name them."""
    words = [corpus if isinstance(corpus, str) else f"messages:{written(folder, corpus)}" for corpus in corpora]
    return build(
        Build(
            inputs=tuple(inputs(words)),
            config=load_config(overrides=[*SETTINGS, *settings]),
            out=folder / "soulchat",
            work=folder / "work",
            executor=Executor(workers=1),
            **more,
        )
    )


def written(folder, rows):
    """`rows` as a file of their own."""
    path = folder / f"rows{len(list(folder.glob('rows*')))}.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
