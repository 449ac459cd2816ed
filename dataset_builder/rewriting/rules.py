"""Which version of the rules a transcript was judged by."""

import hashlib
from functools import cache
from pathlib import Path

from dataset_builder import cleaning
from dataset_builder.rewriting import checks, facts, furniture, transcripts, validate


@cache
def rules_key() -> str:
    """A digest of all that decides whether a transcript is accepted, and as what."""
    here = [Path(str(module.__file__)) for module in (checks, facts, furniture, transcripts, validate)]
    digest = hashlib.sha256()
    for file in [*here, *sorted(Path(str(cleaning.__file__)).parent.glob("residue.*"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
