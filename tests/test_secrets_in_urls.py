"""Passwords and signatures in URLs are neither printed nor stored, whichever way a URL comes in."""

import json

import pytest

import heron
from heron.cli.main import status
from heron.errors import InvalidInput

URLS = [
    "file://user:SECRET@host/a.png", "file:///nowhere/a.png?sig=SECRET", "s3://b/k.png?X-Amz-Signature=SECRET",
    "s3://user:SECRET@b/k.png", "az://acct/c/a.png?sv=2024&sig=SECRET", "gs://b/k.png?X-Goog-Signature=SECRET",
    "https://acct.blob.core.windows.net/c/a.png?sig=SECRET", "https://user:SECRET@host.example/x.png",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_no_command_shows_or_stores_them(tmp_path, monkeypatch, capfd, url):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "m.jsonl").write_text(json.dumps({"kind": "image", "objectUrl": url}))
    facts = {"width": 1, "height": 1, "fileSize": 1, "mimeType": "image/png"}
    (tmp_path / "given.jsonl").write_text(
        json.dumps({"kind": "image", "objectUrl": url, "imageMetadata": facts})
    )
    (tmp_path / "m.csv").write_text(f"url,k\n{url},1\n")
    lines = [
        ["init", "."],
        ["import", url, "--folder", "A"],
        ["import", url, "--folder", "A", "--ignore-errors"],
        ["folders", "create", "S", "--sync", url],
        ["manifest", "create", url, "-o", "out.json"],
        ["manifest", "check", "m.jsonl"],
        ["import", "--manifest", "m.jsonl", "--folder", "M"],
        ["import", "--manifest", "given.jsonl", "--folder", "M", "--ignore-errors"],
        ["relocate", url, "/x"],
        ["metadata", "import", "m.csv", "--by", "url"],
        ["items", "show", url],
        ["integrations", "check", "x", url],
        ["imports"],
        ["imports", "report", "1", "--json"],
        ["imports", "report", "2", "--json"],
        ["imports", "report", "3", "--json"],
    ]
    for line in lines:
        status(line)
        out, err = capfd.readouterr()
        assert "SECRET" not in out + err, (line, out, err)
    for path in (tmp_path / ".heron").rglob("*"):
        assert path.is_dir() or b"SECRET" not in path.read_bytes(), path


def test_a_question_mark_of_a_key_stays(workspace):
    for url in ("s3://b/what?.png", "s3://b/a?b=c.png", "s3://b/%3Fsig=1.png"):
        assert heron.address_of(url).key
    with pytest.raises(InvalidInput, match="signature"):
        heron.address_of("s3://b/a?x=1&sig=2")
