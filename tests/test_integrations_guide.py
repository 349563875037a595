"""The guide to integrations tells the truth: its lines run, on a real server, and its answers are those of Heron."""

from __future__ import annotations

import re
import shlex
import uuid
from pathlib import Path

import pytest

import heron
from heron.cli.main import status
from heron.ingest.choosing import CONCURRENCY
from heron.storage import waiting
from heron.storage.retries import LONGEST, RETRIES
from tests.conftest import draw
from tests.test_storage_service import STOPS

pytestmark = [pytest.mark.xdist_group("gcs"), pytest.mark.slow]

PAGE = Path(__file__).parent.parent / "docs" / "integrations.md"


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """A server of Google Cloud Storage with pictures, which takes the place of the real one."""
    fake_gcs = pytest.importorskip("heron_storage_gcs.testing").fake_gcs()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs.endpoint)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    bucket = f"bucket-{uuid.uuid4().hex}"
    fake_gcs.make_bucket(bucket)
    for number in range(4):
        picture = draw(tmp_path / f"a{number}.jpg", size=(320 + number, 240), seed=number)
        fake_gcs.put(bucket, f"pictures/{picture.name}", picture.read_bytes())
    return bucket


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in a new workspace; returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, exit_status=0):
        assert status(list(arguments)) == exit_status, capsys.readouterr()
        return "".join(capsys.readouterr())

    call("init")
    return call


def test_the_guide_works_line_by_line_and_the_items_are_readable(run, cloud, tmp_path):
    blocks = re.findall(r"^```(sh|text)\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    printed = ""
    for language, block in blocks:
        if language == "text":
            assert printed == block.replace("gs://bucket/", f"gs://{cloud}/")
            continue
        printed = ""
        for line in block.splitlines():
            program, *arguments = shlex.split(line.replace("gs://bucket/", f"gs://{cloud}/"))
            assert program == "heron"
            said = run(*arguments)
            assert said, line
            printed += said
    assert len(blocks) == 6
    with heron.open(tmp_path) as workspace:
        assert [found.name for found in workspace.integrations.list()] == ["lab", "store"]
        again = workspace.integrations.create("again", "gcs", {"anonymous": True})
        for folder in ("Pictures", "Incoming"):
            items = list(workspace.items.list(folder=folder))
            assert [item.name for item in items] == [f"a{number}.jpg" for number in range(4)]
            assert [item.facts.width for item in items] == [320, 321, 322, 323]
            for item in items:
                content = workspace.storage.open(item.url, again).read(item.url)
                assert content == (tmp_path / item.name).read_bytes()


def test_each_answer_of_a_real_server_is_told_apart(run, cloud, monkeypatch):
    run("integrations", "add", "open", "--backend", "gcs", "-o", "anonymous=yes")
    answer = run("integrations", "check", "open", f"gs://{cloud}-not/", exit_status=1)
    assert answer.startswith("failed  no such bucket: ")
    answer = run("integrations", "check", "open", f"gs://{cloud}/nothing/", exit_status=1)
    assert answer.startswith(
        f"ok      gs://{cloud}/nothing/ can be listed, there is nothing below it\nfailed  reading was not tried: "
    )
    answer = run("integrations", "check", "open", "s3://bucket/", exit_status=1)
    assert answer == "failed  's3' is not a scheme of Google Cloud Storage (write gs://bucket/key)\n"
    run(
        "integrations",
        "add",
        "gone",
        "--backend",
        "gcs",
        "-o",
        "anonymous=yes",
        "-o",
        "endpoint=http://127.0.0.1:9",
    )
    monkeypatch.setenv("HERON_RETRIES", "0")
    answer = run("integrations", "check", "gone", f"gs://{cloud}/", exit_status=1)
    assert answer.startswith(f"failed  unreachable: gs://{cloud}/ cannot be reached: ")
    run("integrations", "add", "keyed", "--backend", "gcs", "-o", "credentials_file=nowhere.json")
    answer = run("integrations", "check", "keyed", f"gs://{cloud}/", exit_status=1)
    assert answer.startswith("failed  bad credentials: ")


def test_the_guide_tells_every_answer_and_the_numbers():
    text = PAGE.read_text()
    for _, _, said in STOPS:
        assert f"`failed {said.partition(':')[0]}: …`" in text
    for name in ("list", "read"):
        assert f"`failed no right to {name}: …`" in text
    assert f"| `HERON_RETRIES` | {RETRIES} |" in text
    assert f"| `HERON_PATIENCE` | {waiting.SILENCE:.0f} |" in text
    assert f"for {waiting.SILENCE:.0f} seconds since its last answer" in text
    assert f"one request every {waiting.AGAIN:.0f} seconds" in text
    assert f"given up after {waiting.OBJECT:.0f} seconds" in text
    assert f"| `HERON_CONCURRENCY` | {CONCURRENCY} |" in text
    assert f"up to {RETRIES} times, after pauses that double up to {LONGEST:.0f} seconds" in text


def test_the_guide_in_python_works(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    [block] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    exec(block, {})
    assert (
        capsys.readouterr().out
        == "lab s3 {'access_key_id': 'reader', 'secret_access_key': 'env:LAB_SECRET'}\n"
    )
