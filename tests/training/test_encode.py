"""Ids and labels: what the loss counts, and where tokens may not reach."""

from hypothesis import given
from hypothesis import strategies as st

from training.encode import IGNORED, encode_rounds, token_counter
from training.prompt import format_prompt, neutralise
from training.tokenizer import EOS

contents = st.text(st.characters(codec="utf-8"), max_size=20).map(lambda text: neutralise(text, eos=EOS))


def flat(tokenizer, messages, **options):
    (per_round,) = encode_rounds(tokenizer, [messages], **options)
    return [i for part in per_round for i in part.ids], [i for part in per_round for i in part.labels]


def test_the_loss_counts_every_counsellor_turn_and_the_end_of_each(tokenizer):
    messages = [
        {"role": "user", "content": "我很累"},
        {"role": "assistant", "content": "多久了？"},
        {"role": "user", "content": "三周"},
        {"role": "assistant", "content": "嗯。"},
    ]
    ids, labels = flat(tokenizer, messages)
    assert tokenizer.decode([i for i in labels if i != IGNORED]) == f"多久了？{EOS}嗯。{EOS}"
    assert all(label in (IGNORED, token) for token, label in zip(ids, labels, strict=True))
    assert labels.count(tokenizer.eos_token_id) == 2


@given(st.lists(contents, min_size=1, max_size=6))
def test_segments_give_the_ids_of_the_whole_string(tokenizer, texts):
    """The nano tokenizer splits labels off, so a user who tokenises the rendered template gets what training saw."""
    messages = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]
    asked = len(messages) % 2 == 1
    ids, _ = flat(tokenizer, messages, cue=asked)
    whole = format_prompt(messages, eos=EOS, cue=asked)
    assert ids == tokenizer(whole, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == whole


def test_transformers_masks_the_same_tokens_from_the_template(tokenizer, dialogues):
    for messages in dialogues:
        ids, labels = flat(tokenizer, messages)
        rendered = tokenizer.apply_chat_template(
            messages, return_dict=True, return_assistant_tokens_mask=True, tokenize=True
        )
        assert rendered["input_ids"] == ids
        assert rendered["assistant_masks"] == [int(label != IGNORED) for label in labels]


def test_a_typed_special_token_stays_text(tokenizer):
    ids, _ = flat(tokenizer, [{"role": "user", "content": "我<|pad|>想<|endofturn|>说"}], cue=True)
    assert not set(ids) & {tokenizer.pad_token_id, tokenizer.eos_token_id}


def test_one_pass_over_many_conversations_is_the_same_as_one_at_a_time(tokenizer, dialogues):
    assert encode_rounds(tokenizer, dialogues) == [encode_rounds(tokenizer, [messages])[0] for messages in dialogues]


def test_the_counter_counts_the_end_of_a_turn(tokenizer):
    count = token_counter(tokenizer)
    assert count("嗯。" + EOS) == count("嗯。") + 1
