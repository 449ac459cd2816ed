"""What an error of an endpoint means: stop, this request never, later, or again."""

import email.utils
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
from openai import APIConnectionError, APIStatusError

PASSING = {408, 409, 425, 499}
"""Statuses below 500 that may be otherwise the next time; 429 is `limited`."""
FILTERED = "endpoint_content_filter"
REFUSED = {
    "content_filter": FILTERED,
    "content_policy_violation": FILTERED,
    "invalid_prompt": FILTERED,
    "data_inspection_failed": FILTERED,  # DashScope
    "context_length_exceeded": "endpoint_too_long",
    "string_above_max_length": "endpoint_too_long",
    "exceed_context_size_error": "endpoint_too_long",  # llama.cpp
}
"""Codes of errors that are about one question's text: a row rejected, not a night lost."""
ABOUT_THE_REQUEST = {400, 403, 413, 422}
"""Statuses that are about this text or about every request: filters and limits often come without a code."""
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_CONTEXT = re.compile("context (?:length|size|window)")
"""In a message without a code, as vLLM, SGLang and llama.cpp send it."""
QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "access_terminated"}
"""Codes of a 429 that no waiting mends."""
FIXES = {
    401: "set OPENAI_API_KEY to a key that it accepts",
    402: "add credit to the account",
    403: "set OPENAI_API_KEY to a key that may use this model",
    404: "check base_url, which ends in /v1 on most servers, and the model's name",
    413: "shorten the questions, or raise what the server or a proxy before it takes",
    429: "add credit, wait until the quota is renewed, or lower concurrency or requests_per_minute",
}
GO_ON = "What was answered is kept: start again to go on"


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` says what to do, `name` what to count it as; `wait` is what the endpoint asked for, in seconds.

    `refused` is this text, `doubtful` perhaps only this one. `lost` says that an answer may have been made, and be
    paid for, that did not arrive.
    """

    kind: Literal["stop", "refused", "doubtful", "limited", "passing"]
    name: str
    text: str
    status: int = 0
    reason: str = ""
    wait: float | None = None
    lost: bool = False


def fault_of(error: Exception) -> Fault:
    """What to do about an error of the client, or of reading its response."""
    if isinstance(error, APIStatusError):
        return _by_status(error.status_code, error.body, error.response.headers, error.message)
    if isinstance(error, TimeoutError | APIConnectionError):
        causes: list[BaseException] = [error]  # the client takes a cut connection for a timeout: ask those below
        while cause := causes[-1].__cause__:
            causes.append(cause)
        lost = not any(isinstance(each, NEVER_SENT) for each in causes)
        if any(isinstance(each, TimeoutError) for each in causes):
            return Fault("passing", "timeout", "it did not answer in time", lost=lost)
        return Fault("passing", "connection", f"{type(causes[-1]).__name__} {causes[-1]}"[:300].strip(), lost=lost)
    text = f"no chat completion came ({type(error).__name__}: {error})"[:300]
    return Fault("passing", "no_completion", text, lost=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After (or retry-after-ms) asks to wait, as a number or a date; None where it does not say."""
    for name, unit in (("retry-after-ms", 1_000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else None
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    try:
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None
    except (ValueError, OverflowError):
        return None


def stop_message(base_url: str, model: str, fault: Fault, silent: float = 0) -> str:
    """Why a run stops, and what to do."""
    what = f"{fault.status}: {fault.text}" if fault.status else fault.text
    if silent:
        fix = FIXES[429] if fault.kind == "limited" else "check that it is up, and base_url"
        return f"the endpoint {base_url!r} has not answered for {silent:.0f} s, at last {what}; {fix}. {GO_ON}"
    fix = FIXES.get(fault.status, "it takes no such request; check the model's name and the parameters")
    if fault.reason == "endpoint_too_long":
        fix = "lower parameters.max_tokens, or serve the model with a longer context"
    return f"the endpoint {base_url!r} answered {what} for model {model!r}; {fix}. {GO_ON}"


def _by_status(status: int, body: Any, headers: Mapping[str, str], message: str) -> Fault:
    codes = _codes(body)
    text = message[:300]
    if status == 429:
        kind: Literal["stop", "limited"] = "stop" if codes & QUOTA else "limited"
        return Fault(kind, str(status), text, status, wait=retry_after(headers))
    if status >= 500 or status in PASSING:
        return Fault("passing", str(status), text, status, wait=retry_after(headers))
    reason = next((REFUSED[code] for code in sorted(codes) if code in REFUSED), "")
    if not reason and (status == 413 or _CONTEXT.search(text)):
        reason = "endpoint_too_long"
    if reason == FILTERED:
        return Fault("refused", str(status), text, status, reason)
    doubtful = status in ABOUT_THE_REQUEST
    return Fault("doubtful" if doubtful else "stop", str(status), text, status, reason or "endpoint_refused")


def _codes(body: Any) -> set[str]:
    """The machine-readable names in an error: `code` and `type`, and Azure's `innererror.code`."""
    if not isinstance(body, Mapping):
        return set()
    inside = body.get("error")
    error: Mapping[str, Any] = inside if isinstance(inside, Mapping) else body
    inner = error.get("innererror")
    found = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, Mapping) else None]
    return {str(code) for code in found if code}
