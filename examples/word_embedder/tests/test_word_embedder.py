"""The embedder keeps Heron's contract, and words find documents."""

import heron_word_embedder

import heron
from heron.testing import EmbedderContract

NOTES = {
    "ferry.txt": "The ferry leaves the harbour at nine. It is late when the wind is strong.",
    "bread.md": "# Bread\n\nMix flour, water and salt, and bake it for an hour.",
    "train.html": "<html><body><h1>Trains</h1><p>The night train to Oslo has beds.</p></body></html>",
}


class TestHashedWords(EmbedderContract):
    embedder = next(iter(heron_word_embedder.register_embedders()))


def test_words_find_the_document_that_is_about_them(tmp_path):
    (tmp_path / "in").mkdir()
    for name, text in NOTES.items():
        (tmp_path / "in" / name).write_text(text)
    (tmp_path / "in" / "long.txt").write_text(
        "Nothing happens at sea. " * 900 + "A dragon lands on the mast."
    )
    with heron.open(tmp_path, plugins=[heron_word_embedder], discover=False) as workspace:
        workspace.ingest.files([tmp_path / "in"], folder="A")
        done = workspace.embed("hashed-words")
        assert (done.embedded, done.texts) == (4, 4)
        assert "1 text is longer than hashed-words reads at once" in done.notes[0]
        for words, name in {
            "ferries": "ferry.txt",
            "flour and salt": "bread.md",
            "a dragon": "long.txt",
        }.items():
            assert workspace.search(text=words, limit=1)[0].name == name
        assert workspace.search(like="train.html", limit=1).key == "hashed-words"
