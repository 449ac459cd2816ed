"""Files like those of every upstream format, of any number of dialogues: what readers are tested on without a corpus.

A form writes its n-th dialogue as a unit of bytes, and units as a file, a folder or an archive. No sentence is of any
corpus; ids are long, so that damage to one is not the id of a neighbour.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from tests.dataset_builder.sources.form import Form

_ASKED = (
    "最近总睡不好，怎么办？",
    "和妈妈吵了一架……",
    "“没人懂我”，这是我昨天写的。",
    "面试又没过😞",
    "他三天没回我消息了",
)
_ANSWERED = (
    "听起来很累。\n能多说一点吗？",
    "嗯，我在听：你慢慢说。",
    "那一刻你心里是什么感觉？",
    "谢谢你愿意告诉我",
    "你已经很努力了。",
)


def unit_id(n: int) -> str:
    """The id of the n-th dialogue; no two look alike."""
    return hashlib.sha256(f"dialogue {n}".encode()).hexdigest()[:12]


def rounds(n: int) -> list[tuple[str, str]]:
    """What the two say in the n-th dialogue; every dialogue has words that no other has."""
    asked = (f"{_ASKED[(n + at) % 5]}（{unit_id(n)}，{at}）" for at in range(2 + n % 3))
    return [(words, f"{_ANSWERED[(n * 3 + at) % 5]}（{unit_id(n)}，{at}）") for at, words in enumerate(asked)]


def turns(n: int, user: str = "user", assistant: str = "assistant", role: str = "role", text: str = "content") -> Any:
    """The n-th dialogue as a list of objects, under any names."""
    said = [((user, asked), (assistant, answered)) for asked, answered in rounds(n)]
    return [{role: who, text: words} for pair in said for who, words in pair]


def labelled(n: int, user: str = "求助者", assistant: str = "支持者") -> list[str]:
    return [f"{turn['role']}：{turn['content']}" for turn in turns(n, user, assistant)]


def _json(value: Any, **options: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **options).encode()


def _array(name: str, value: Callable[[int], Any], pack: Literal["", "gzip"] = "", indent: int | None = None) -> Form:
    between = b",\n" if indent else b", "
    return Form(name, lambda n: _json(value(n), indent=indent), b"[", between, b"]\n", pack=pack)


def _lines(name: str, value: Callable[[int], Any], pack: Literal["", "gzip"] = "") -> Form:
    return Form(name, lambda n: _json(value(n)), pack=pack)


def _csv(*rows: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().removesuffix("\n").encode()


def _messages(n: int) -> Any:
    return {"id": unit_id(n), "topic": "情绪", "messages": turns(n), "question_id": f"q{n}", "source": "ours"}


def _soulchat(n: int) -> Any:
    return {"id": n, "topic": "成长", "messages": turns(n)}


def _smilechat(n: int) -> Any:
    said = turns(n, "client", "counselor")
    return [turn | {"annotation": [{"sentence": turn["content"], "label": ""}]} for turn in said]


def _emollm(n: int) -> Any:
    pairs: list[dict[str, str]] = [{"input": asked, "output": answered} for asked, answered in rounds(n)]
    pairs[0] = {"system": "你是一位倾听者。"} | pairs[0]
    return {"conversation": pairs}


def _psyqa(n: int) -> Any:
    asked, answered = rounds(n)[0]
    answers = [
        {"answer_text": text, "has_label": True, "labels_sequence": [{"start": 0, "end": len(text), "type": "Others"}]}
        for text in (answered, f"{answered}抱抱你。")
    ]
    about = {"question": asked, "description": f"我是{unit_id(n)}。", "keywords": "睡眠,情绪,恋爱"}
    return about | {"answers": answers, "questionID": 4000 + n}


def _efaqa(n: int, named: bool = False) -> Any:
    label = {"question": False, "knowledge": True, "negative": False}
    chats: list[dict[str, Any]] = []
    for asked, answered in rounds(n):
        reply = {"sender": "audience", "type": "textMessage", "time": "10:00:00", "value": answered, "label": label}
        chats += [reply | ({"name": "Audience1"} if named else {}), {"sender": "owner", "value": asked}]
    about = {"md5": unit_id(n), "owner": "匿名", "title": f"女 我很难过（{unit_id(n)}）", "description": ""}
    return about | {"label": {"s1": "1.3", "s2": "2.7", "s3": "3.6"}, "chats": chats}


def _esconv(n: int) -> Any:
    dialog = [turn | {"annotation": {}} for turn in turns(n, "seeker", "supporter", "speaker")]
    about = {"experience_type": "Previous Experience", "emotion_type": "fear", "problem_type": "job crisis"}
    return about | {"situation": f"I may lose my job {unit_id(n)}.", "survey_score": {"seeker": {}}, "dialog": dialog}


def _empathetic(n: int) -> bytes:
    name = f"hit:{int(unit_id(n), 16) % 10**10}_conv:{n}"
    said = [words for pair in rounds(n) for words in pair]
    texts = [text.replace(",", "_comma_").replace("\n", " ") for text in said]
    prompt = f"I lost my keys_comma_ again {unit_id(n)}"
    lines = [f"{name},{at},sad,{prompt},{40 + at % 2},{text},5|5|5_5|5|5," for at, text in enumerate(texts, 1)]
    return "\n".join(lines).encode()


def _alpaca(n: int) -> Any:
    *history, (asked, answered) = rounds(n)
    return {"instruction": asked, "input": "", "output": answered, "history": history}


def _sharegpt(n: int) -> Any:
    return {"id": unit_id(n), "conversations": turns(n, "human", "gpt", "from", "value")}


def _number(place: int) -> str:
    return f"data/{place + 8}.json"  # from one digit to two


def _topic_folder(place: int) -> str:
    return f"CPsyCounE/{('Career', 'Family')[place % 2]}/{place}.json"


_EMPATHETIC_HEAD = b"conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags\n"
_CASE = "Data/case_{}.txt".format
_labelled_list = Form("data", lambda n: _json(labelled(n)), member=_number, pack="folder")
_labelled_tar = Form("smile.tar.gz", lambda n: _json(labelled(n), indent=2), member=_number, pack="tar.gz")

FORMS: dict[str, tuple[Form, ...]] = {
    "soulchat": (_array("SoulChatCorpus.json", _soulchat), _array("SoulChatCorpus.json.gz", _soulchat, "gzip", 1)),
    "smilechat-v1": (_labelled_list, _labelled_tar),
    "smilechat-v2": (
        Form("data", lambda n: _json(_smilechat(n), indent=4), member=_number, pack="folder"),
        Form("smile.tar", lambda n: _json(_smilechat(n)), member=_number, pack="tar"),
        _lines("dialogues.jsonl.gz", lambda n: {"id": n, "messages": turns(n, "client", "counselor")}, "gzip"),
    ),
    "smile-plain": (_labelled_tar, _labelled_list),
    "cpsycound": (
        Form(
            "CPsyCounD",
            lambda n: "\n\n".join(labelled(n, "来访者", "心理咨询师")).encode(),
            member=_CASE,
            pack="folder",
        ),
        Form(
            "CPsyCounD.tar.gz",
            lambda n: "\n".join(labelled(n, "来访者", "心理咨询师")).encode(),
            member=_CASE,
            pack="tar.gz",
        ),
    ),
    "cpsycoune": (
        Form("E", lambda n: _json(labelled(n)), member=_topic_folder, pack="folder"),
        Form("E.zip", lambda n: _json(labelled(n)), member=_topic_folder, pack="zip"),
    ),
    "emollm": (_array("data.json", _emollm, indent=2), _array("data.json", _emollm)),
    "psyqa": (_array("PsyQA_full.json", _psyqa, indent=4), _array("PsyQA_full.json", _psyqa)),
    "efaqa": (
        _lines("efaqa-corpus-zh.utf8.gz", _efaqa, "gzip"),
        _lines("efaqa-corpus-zh.utf8", lambda n: _efaqa(n, named=True)),
    ),
    "esconv": (_array("ESConv.json", _esconv, indent=1), _array("ESConv.json", _esconv)),
    "empathetic-dialogues": (
        Form("train.csv", _empathetic, _EMPATHETIC_HEAD),
        Form("train.csv.gz", _empathetic, _EMPATHETIC_HEAD, pack="gzip"),
    ),
    "mindchat": (_array("dataset_example.json", _alpaca, indent=4),),
    "sharegpt": (_array("sharegpt.json", _sharegpt), _lines("sharegpt.jsonl", _sharegpt)),
    "alpaca": (_array("alpaca.json", _alpaca, indent=2), _lines("alpaca.jsonl", _alpaca)),
    "messages": (_lines("chats.jsonl", _messages), _array("chats.json", _messages)),
    "csv": (
        Form("chats.csv", lambda n: _csv((unit_id(n), "情绪", _json(turns(n)).decode())), b"id,topic,messages\n"),
        Form("pairs.csv", lambda n: _csv((unit_id(n), *rounds(n)[0])), b"id,question,answer\n"),
        Form(
            "turns.csv",
            lambda n: _csv(*((unit_id(n), turn["role"], turn["content"]) for turn in turns(n))),
            b"dialogue_id,role,content\n",
        ),
    ),
    "parquet": (Form("chats.parquet", lambda n: _json(turns(n)), pack="parquet"),),
}
"""Reader to the forms in which its source is published."""
