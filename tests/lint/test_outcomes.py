"""What becomes of a message by Graph's answer: the table of outcome.c and the
one of msgraphd(8) have the same rows in the same order, and docs/ says of each
code what an admin can do."""

from __future__ import annotations

import re

from harness import document
from lint import sources

SOURCE = "agent/daemon/graph/outcome.c"
PAGE = "agent/daemon/msgraphd.8"
ROW = re.compile(r'\{(\w+), (NULL|"\w+"), OUTCOME_(\w+), "([\w.]+)",\s*'
                 r'(\w+),[^{}]*?(?:NULL|"(\w+)")\}')

# What is tried again and then bounces has one code only: the page shows it.
STATUSES = {"ANY": "any", "5": "5xx"}
ALWAYS_BOUNCES = ("AGAIN",)


def table_of_the_source() -> list[tuple[str, ...]]:
    code = sources.without_comments(sources.read(SOURCE))
    rows = re.search(r"\brows\[\] = \{\n(.*?)^\};", code, re.M | re.S)[1]
    found = []
    for status, error, action, dsn, reason, said in ROW.findall(rows):
        if action in ALWAYS_BOUNCES:
            dsn = dsn.replace("x", "5")
        found.append((STATUSES.get(status, status),
                      f"any, saying {said}" if said else
                      "any" if error == "NULL" else error.strip('"'),
                      action.lower(), dsn, word(reason)))
    assert len(found) == rows.count("OUTCOME_")  # none was overlooked
    return found


def answers_without_a_row() -> list[tuple[str, ...]]:
    """What is no row of the source: any other answer, and none."""
    body = sources.functions(sources.read(SOURCE))["outcome_unforeseen"]
    other, none = re.findall(r'\bdsn = "([\d.]+)"', body)
    reasons = map(word, re.findall(r"\breason = (REASON_\w+)", body))
    return [("else", "any", "warn", other, next(reasons)),
            ("none", "none", "defer", none, next(reasons))]


def word(reason: str) -> str:
    """As the log and the page have it; none of what was sent."""
    return r"\-" if reason == "NULL" else \
        reason.removeprefix("REASON_").lower()


def table_of_the_page() -> list[tuple[str, ...]]:
    text = sources.section(sources.read(PAGE), "DELIVERY")
    table = re.search(r'^\.Bl -column "none"[^\n]*\n(.*?)^\.El', text,
                      re.M | re.S)[1]
    return [tuple(row.split(" Ta ")) for row in sources.tags(table)[1:]]


def test_page_has_every_row_and_no_other():
    assert table_of_the_page() == \
        table_of_the_source() + answers_without_a_row()


def test_page_explains_every_action_that_is_no_plain_word():
    text = sources.section(sources.read(PAGE), "DELIVERY")
    explained = re.search(r"^\.Bl -tag -width Ds\n(.*?)^\.El", text,
                          re.M | re.S)[1]
    used = {row[2] for row in table_of_the_page()}
    assert used - {"sent", "defer", "bounce"} == \
        set(sources.tags(explained))


def test_remedies_are_for_the_codes_of_the_page():
    """docs/troubleshooting.md has each code, with the DSN of the page."""
    text = document.section("docs/troubleshooting.md",
                            "What Graph and Entra say")
    told = {(code, dsn[1:])
            for dsn, answers in re.findall(r"^\| ([\d.]+)[^|]*\|([^|]*)\|",
                                           text, re.M)
            for code in re.findall(r"`([A-Z]\w+)`", answers)}
    page = {(code, dsn[1:]) for _, code, _, dsn, _ in table_of_the_page()
            if code[0].isupper()}
    assert told == page
