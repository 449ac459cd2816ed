"""What is asked for a question, and the key that its answer is kept by."""

import hashlib
import json

from dataset_builder.rewriting.config import RewriteConfig
from dataset_builder.rewriting.endpoint import Request
from dataset_builder.rewriting.prompts import prompt
from dataset_builder.rewriting.questions import Question, digest


def request_for(
    question: Question, config: RewriteConfig, attempt: int = 1, messages: list[dict[str, str]] | None = None
) -> Request:
    """The first request for a question, or a later one with the `messages` that led to it.

    The key follows from the question, the prompt, the model, its parameters and the attempt, and from nothing that was
    answered: a batch can be written before anything was.
    """
    asked, model = prompt(config.prompt), config.model_of(digest(f"model\0{question.question_id}") / 2**64)
    of = (question.question_id, question.question, question.answer, asked.key, model, attempt, config.parameters)
    text = json.dumps(of, ensure_ascii=False, sort_keys=True)
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    first = [{"role": "user", "content": asked.render(question.question, question.answer)}]
    return Request(key, model, messages or first, config.parameters)
