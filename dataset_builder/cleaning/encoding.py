"""Text read in the wrong encoding: mended where its bytes prove what it was, rejected where they were lost."""

import re

from dataset_builder.cleaning.shape import Messages

# What Windows-1252 shows for the bytes 80 to 9F; Latin-1 and the five bytes it leaves out show C1 controls.
_SPECIALS = {chr(byte): shown for byte in range(0x80, 0xA0) if (shown := bytes([byte]).decode("cp1252", "ignore"))}
_TO_BYTES = {ord(shown): byte for byte, shown in _SPECIALS.items()}
_HIGH = "\u0080-\u00ff" + "".join(_SPECIALS.values())
_CONTINUED = "\u0080-\u00bf" + "".join(_SPECIALS.values())

# UTF-8 of two Chinese characters or more as Latin letters: ä½\xa0å¥½. One alone could be é before a quote and a dash.
_UTF8_AS_LATIN = re.compile(rf"(?:[\u00e2-\u00ef][{_CONTINUED}]{{2}}){{2,}}")
# GBK of three Chinese characters or more as Latin letters: ÎÒºÜÀÛ. No language has six such letters in a row, but
# ······ is a pause: at least four of them differ.
_GBK_AS_LATIN = re.compile(r"(?:[\u00a1\u00a3\u00b0-\u00f7][\u00a1-\u00fe]){3,}")
_DIFFERENT = 4
# UTF-8 read as GBK: 鎴戝緢绱. 12 bytes in a row that also happen to be UTF-8: below 1e-8 for Chinese prose.
_UTF8_AS_GBK = re.compile(r"[\u0391-\u9fff\ue000-\uf8ff\uff00-\uffee€·×]{6,}")
# What 的 我 你 是 在 不 ， 。 turn into when UTF-8 is read as GBK, at an even byte or an odd one. Prose has none of
# them: two in a turn are no accident.
_LEADS = "锛銆鐨鎴浣鏄鍚鍦鐜紝殑垜綘槸湪笉"
_MANY_LEADS = re.compile(rf"[{_LEADS}][^{_LEADS}]{{0,40}}[{_LEADS}]")

_PRE_CHECK = re.compile(rf"[\u00a1-\u00ff{_LEADS}]")
# A single pair is enough where no quotation mark, dash or middle dot is part of it.
_LOST = re.compile(
    r"\ufffd|锟斤拷|烫烫烫|屯屯屯|[\u00e3-\u00e9\u00ef][\u0080-\u00aa\u00ac-\u00b6\u00b8-\u00ba\u00bc-\u00bf]"
    rf"|[\u00c2-\u00ef][{_CONTINUED}]{{1,2}}[\u00c2-\u00ef][{_CONTINUED}]"
)
_CHINESE = re.compile(r"[\u3001-\u303f\u4e00-\u9fff\uff01-\uff5e\u2014-\u2026A-Za-z0-9\s]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")


def mended_encoding(text: str) -> str:
    """`text` with what was read in the wrong encoding put right, where every byte decodes to Chinese."""
    if not _PRE_CHECK.search(text):
        return text
    text = _UTF8_AS_LATIN.sub(lambda run: _decoded(_latin_bytes(run.group()), "utf-8") or run.group(), text)
    text = _GBK_AS_LATIN.sub(_from_gbk, text)
    if _MANY_LEADS.search(text):
        text = _UTF8_AS_GBK.sub(lambda run: _decoded(_gbk_bytes(run.group()), "utf-8") or run.group(), text)
    return text


def broken_encoding(messages: Messages) -> str | None:
    """For after the repair: a turn whose bytes were lost, or that the repair was not certain about."""
    for message in messages:
        text = message["content"]
        if _LOST.search(text) or _MANY_LEADS.search(text):
            return "broken_encoding"
    return None


def _from_gbk(run: re.Match[str]) -> str:
    shown = run.group()
    return (_decoded(_latin_bytes(shown), "gb2312") or shown) if len(set(shown)) >= _DIFFERENT else shown


def _latin_bytes(run: str) -> bytes:
    return run.translate(_TO_BYTES).encode("latin-1")


def _gbk_bytes(run: str) -> bytes:
    try:
        return run.encode("gb18030")
    except UnicodeEncodeError:  # a surrogate
        return b""


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if _CHINESE.fullmatch(text) and len(_HAN.findall(text)) >= 2 else None
