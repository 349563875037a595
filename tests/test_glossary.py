"""The glossary: terms in order, one sentence each, and links that lead to pages which use the term."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
ROWS = dict(
    re.findall(r"^\| ([a-zA-Z][^|]*?) \| ([^|]+?) \|$", (DOCS / "glossary.md").read_text(), re.MULTILINE)
)
TERMS = {term: meaning for term, meaning in ROWS.items() if term != "term"}


def test_terms_are_in_alphabetical_order():
    assert len(TERMS) > 40
    assert list(TERMS) == sorted(TERMS, key=str.casefold)


def test_each_term_has_one_sentence():
    for term, meaning in TERMS.items():
        text = re.sub(r"`[^`]*`|\([^)]*\)", "", meaning)
        assert text.endswith(".") and ". " not in text, term


def test_the_page_behind_a_link_uses_the_term():
    for term, meaning in TERMS.items():
        for page in re.findall(r"\]\((\S+?\.md)\)", meaning):
            words = (DOCS / page).read_text().casefold().replace("-", " ")
            assert term.split()[0].casefold().rstrip("s") in words, (term, page)
