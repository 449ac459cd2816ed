"""The prompts: the paper's word for word, each with a key that its text decides, and what is said on a failure."""

import hashlib
from dataclasses import replace

import pytest

from dataset_builder.rewriting import prompts as module
from dataset_builder.rewriting.prompts import Prompt, PromptError, prompt, prompts
from dataset_builder.rewriting.transcripts import parse, render
from tests.dataset_builder.rewriting.mutations import MUTATIONS

QUESTION, ANSWER = "我总是睡不着，怎么办？", "先说说是从什么时候开始的吧。"


def test_there_are_the_papers_two_one_to_compare_with_and_ours():
    assert list(prompts()) == ["paper-en", "paper-zh", "smile", "soulchat-hub"]
    assert {each.language for each in prompts().values()} == {"zh", "en"}
    for name in ("paper-zh", "paper-en"):
        assert "Word for word" in prompt(name).source and "Findings of EMNLP 2023" in prompt(name).source


def test_the_papers_prompts_are_as_they_were_transcribed():
    # Any change of a character is a change of the quotation.
    texts = {name: prompt(name).text for name in ("paper-zh", "paper-en")}
    assert {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in texts.items()} == {
        "paper-zh": "9b8dcb3a2ceb47d2",
        "paper-en": "f6e75bb3ddcd633c",
    }
    assert texts["paper-zh"].startswith(
        "请扮演一个心理咨询领域的文本改写员，将给定的【单轮长文本中文心理咨询对话】改写为"
    )
    assert texts["paper-zh"].endswith("并且改写为多轮的共情的对话，你的改写结果为：")
    assert "\n\n【单轮长文本中文心理咨询对话】：{single_turn}\n\n请逐步分析" in texts["paper-zh"]
    assert '"Psychologist: "; 2. The' in texts["paper-en"] and "dialogue:]{single_turn}\n\nPlease" in texts["paper-en"]


def test_the_single_turn_stands_in_the_prompt_as_in_the_papers_appendix():
    asked = prompt("paper-zh").render(QUESTION, ANSWER)
    assert f"【单轮长文本中文心理咨询对话】：用户：{QUESTION}\n心理咨询师：{ANSWER}\n\n请逐步分析" in asked
    assert f"User: {QUESTION}\nPsychologist: {ANSWER}\n\nPlease" in prompt("paper-en").render(QUESTION, ANSWER)


@pytest.mark.parametrize("name", ["paper-en", "paper-zh", "smile", "soulchat-hub"])
def test_a_question_without_an_answer_stands_alone_and_nothing_of_it_is_read_as_a_place(name):
    asked = prompt(name).render("{single_turn} {0} \\1 {rounds}", None)
    assert asked.count("{single_turn} {0} \\1 {rounds}") == 1
    assert asked.replace("{single_turn} {0} \\1 {rounds}", "") == asked.replace(" {0} \\1 {rounds}", "").replace(
        "{single_turn}", ""
    )
    assert not asked.endswith("None") and "None\n" not in asked


def test_a_key_names_the_text_and_changes_with_it_alone():
    ours = prompt("soulchat-hub")
    digest = hashlib.sha256(ours.text.encode()).hexdigest()
    assert ours.key == f"soulchat-hub@{digest[:8]}"
    assert replace(ours, text=ours.text + "。").key != ours.key
    assert replace(ours, source="elsewhere").key == ours.key


def test_an_unknown_prompt_is_refused_with_those_there_are():
    with pytest.raises(PromptError, match="prompt='paper' is none of paper-en, paper-zh, smile, soulchat-hub"):
        prompt("paper")


@pytest.mark.parametrize("text", ["no place for it", "{single_turn} twice {single_turn}"])
def test_a_text_without_one_place_for_the_single_turn_is_refused(text):
    with pytest.raises(PromptError, match="write it once"):
        Prompt(id="mine", language="zh", text=text, source="me")


def test_a_language_that_no_label_is_known_for_is_refused():
    with pytest.raises(PromptError, match="language='fr'"):
        Prompt(id="mine", language="fr", text="{single_turn}", source="me")


def test_a_file_with_another_key_or_a_name_that_is_not_its_id_is_refused(tmp_path):
    body = "language: zh\nsource: me\ntext: '{single_turn}'\n"
    for name, text in (("mine", f"id: other\n{body}"), ("mine", f"id: mine\n{body}temperature: 1\n"), ("mine", "- 1")):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(PromptError, match=r"mine\.yaml"):
            module._read(tmp_path / f"{name}.yaml")


@pytest.mark.parametrize("name", ["paper-zh", "paper-en"])
def test_every_reason_that_a_check_gives_has_words_of_its_own(name):
    reasons = {reason for mutation in MUTATIONS for reason in mutation.reasons}
    told = {reason: prompt(name).retry("", reason) for reason in reasons}
    unknown = prompt(name).retry("", "something_new")
    assert unknown not in told.values()
    assert all(text.endswith(unknown[-20:]) and "{" not in text for text in told.values())


def test_a_correction_says_how_many_rounds_there_were():
    short = render([{"role": "user", "content": "你好"}, {"role": "assistant", "content": "你好，请讲。"}] * 3)
    assert len(parse(short)) == 6
    assert "只有3轮" in prompt("paper-zh").retry(short, "too_few_rounds")
    assert "has 3 rounds; it must have 8 to 20" in prompt("paper-en").retry(short, "too_few_rounds")


def test_a_correction_names_the_bounds_that_were_set():
    assert "应在3到6轮之间" in prompt("paper-zh").retry("", "too_many_rounds", (3, 6))
    assert "it must have 3 to 6" in prompt("paper-en").retry("", "too_few_rounds", (3, 6))
