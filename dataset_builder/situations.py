"""Whose conversations the sample holds: the list of situations from which they were written, one each."""

import csv
from collections import Counter
from pathlib import Path

SITUATIONS = Path(__file__).parent / "sample" / "situations.csv"


def situations() -> list[dict[str, str]]:
    """A row for each conversation: its question_id, the person's age, sex, work and household, and the matter."""
    with SITUATIONS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def situations_line() -> str:
    """How the situations are spread, in words."""
    rows = situations()
    ages = [int(row["age"]) for row in rows]
    spreads = [
        f"{column} "
        + ", ".join(f"{name} {count}" for name, count in Counter(row[column] for row in rows).most_common())
        for column in ("sex", "severity", "attitude", "ending")
    ]
    return f"age {min(ages)} to {max(ages)}; " + "; ".join(spreads)
