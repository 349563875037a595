"""Public keys and tokens of users: who may have them, what is stored of them, and when they are valid."""

from __future__ import annotations

import json
import sqlite3

import pytest

import heron
from heron.catalog.organisation.public_keys import parse_public_key
from heron.cli.main import status
from tests.public_keys import line_of, public_key, raw_key


@pytest.fixture
def ws(workspace):
    workspace.users.add("ada@example.org")
    workspace.users.add("bob@example.org")
    return workspace


def file_text(workspace):
    """The catalogue as bytes, with what is still in the write-ahead log."""
    folder = workspace.root / ".heron"
    return b"".join(path.read_bytes() for path in folder.glob("catalog.db*"))


def test_a_token_acts_for_its_user_until_it_is_revoked(ws):
    new = ws.users.create_token("ADA@example.org", name="laptop")
    assert new.secret.startswith("heron_") and len(new.secret) == 49
    assert ws.users.of_token(new.secret).user == "ada@example.org"
    for wrong in ("", "heron_", new.secret[:-1], new.secret + "x", new.secret.upper(), "heron_\ud800"):
        assert ws.users.of_token(wrong) is None
    ws.users.revoke_token("laptop")
    assert ws.users.of_token(new.secret) is None
    with pytest.raises(heron.NotFound, match="laptop"):
        ws.users.revoke_token("laptop")


def test_the_text_of_a_token_is_kept_nowhere(ws):
    new = ws.users.create_token("ada@example.org")
    assert new.secret.encode() not in file_text(ws)
    assert new.secret not in repr(new) + repr(ws.users.tokens()) + repr(ws.log.list())


def test_tokens_and_keys_end(ws, monkeypatch):
    token = ws.users.create_token("ada@example.org", days=1)
    key = ws.users.add_key("ada@example.org", public_key(1), days=2)
    lasting = ws.users.create_token("ada@example.org", name="lasting", days=None)
    assert (key.expires_at - key.created_at).total_seconds() == pytest.approx(2 * 86400, abs=5)
    assert ws.users.of_token(token.secret) and ws.users.of_key(raw_key(1))
    monkeypatch.setattr("heron.catalog.organisation.credentials.now", lambda: "2999-01-01T00:00:00.000Z")
    assert ws.users.of_token(token.secret) is None
    assert ws.users.of_key(raw_key(1)) is None
    assert ws.users.of_token(lasting.secret).expires_at is None


@pytest.mark.parametrize("days", [0, -1, float("nan"), float("inf"), 40_000, True, "9"])
def test_days_are_a_number_of_days(ws, days):
    with pytest.raises(heron.InvalidInput, match="number of days"):
        ws.users.create_token("ada@example.org", days=days)


def test_a_key_belongs_to_one_user(ws):
    added = ws.users.add_key("ada@example.org", public_key(1, "ada@laptop"))
    assert (added.name, added.public_key) == ("ada@laptop", public_key(1))
    assert ws.users.of_key(raw_key(1)).user == "ada@example.org"
    assert ws.users.of_key(raw_key(2)) is None
    with pytest.raises(heron.AlreadyExists, match="in use"):
        ws.users.add_key("bob@example.org", public_key(1))
    with pytest.raises(heron.AlreadyExists, match="'ada@laptop'"):
        ws.users.add_key("ada@example.org", public_key(2, "ada@laptop"))
    ws.users.remove_key(added)
    assert ws.users.of_key(raw_key(1)) is None
    ws.users.add_key("bob@example.org", public_key(1))


GOOD = public_key(3)
SMALL_ORDER = [bytes(32), bytes([1]) + bytes(31), bytes([0xEC]) + bytes([0xFF] * 30) + bytes([0x7F])]


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "ssh-ed25519", GOOD.split()[1], GOOD[:-5], GOOD.replace("ssh-ed25519", "ssh-rsa", 1),
        GOOD + "\n" + GOOD, "command=ls " + GOOD, GOOD.replace("A", "*", 3), GOOD[:-1] + "=", GOOD[:-1],
        line_of(raw_key(1)[:31]), line_of(raw_key(1) + b"x"), line_of(raw_key(1), b"ssh-ed25518"),
        line_of((2**255 - 1).to_bytes(32, "little")), line_of(bytes([2]) + bytes(31)), *map(line_of, SMALL_ORDER),
        "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-ed25519 " + "A" * 100_000, 7, None, b"ssh-ed25519 AAAA",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(ws, text):
    with pytest.raises(heron.InvalidInput) as refused:
        ws.users.add_key("ada@example.org", text)
    assert len(str(refused.value)) < 300
    assert ws.users.keys() == []


def test_keys_are_read_as_openssh_writes_them():
    for number in range(8):
        key = parse_public_key(f"  {public_key(number, 'a comment of mine')}\n")
        assert (key.raw, key.comment, key.line) == (raw_key(number), "a comment of mine", public_key(number))
    assert parse_public_key(public_key(1)).fingerprint.startswith("SHA256:")
    assert parse_public_key(public_key(1, "a\x07b")).comment == ""


def test_members_have_their_own_alone(ws):
    ws.users.create_token("bob@example.org", name="bob's")
    ws.users.add_key("bob@example.org", public_key(1), name="bob's")
    with heron.open(ws.root, user="ada@example.org", discover=False) as ada:
        mine = ada.users.create_token("ada@example.org", name="mine")
        assert [token.name for token in ada.users.tokens()] == ["mine"]
        assert ada.users.keys("bob@example.org") == []
        for call in (
            lambda: ada.users.create_token("bob@example.org"),
            lambda: ada.users.add_key("bob@example.org", public_key(2)),
            lambda: ada.users.add_key("bob@example.org", public_key(1)),
            lambda: ada.users.create_token("owner"),
        ):
            with pytest.raises(heron.PermissionDenied, match="may not update credential"):
                call()
        for call in (lambda: ada.users.revoke_token("bob's"), lambda: ada.users.remove_key("bob's")):
            with pytest.raises(heron.NotFound):
                call()
        ada.users.note_use([mine.token])
        ada.users.revoke_token(mine.token)
    assert [(token.user, token.name) for token in ws.users.tokens()] == [("bob@example.org", "bob's")]


def test_names_of_two_users_are_told_apart(ws):
    for email in ("ada@example.org", "bob@example.org"):
        ws.users.create_token(email, name="laptop")
    with pytest.raises(heron.InvalidInput, match="UUID"):
        ws.users.revoke_token("laptop")
    ws.users.revoke_token(ws.users.tokens("bob@example.org")[0].uuid)
    assert [token.user for token in ws.users.tokens()] == ["ada@example.org"]


def test_the_last_use_is_noted_and_users_who_go_take_theirs_along(ws):
    new = ws.users.create_token("ada@example.org")
    before = len(ws.log.list())
    ws.users.note_use([new.token])
    assert ws.users.of_token(new.secret).last_used_at is not None
    assert len(ws.log.list()) == before
    ws.users.remove("ada@example.org")
    assert ws.users.of_token(new.secret) is None


def test_the_log_tells_who_made_which(ws):
    key = ws.users.add_key("ada@example.org", public_key(1), name="laptop")
    entry = ws.log.list(verb="users.add_key")[0]
    assert (entry.noun, entry.resource, entry.details["fingerprint"]) == (
        "credential",
        "laptop",
        key.fingerprint,
    )


def test_a_catalogue_of_before_gets_the_table(ws):
    root = ws.root
    ws.close()
    with sqlite3.connect(root / ".heron" / "catalog.db") as plain:
        plain.execute("DROP TABLE credentials")
        plain.execute("DELETE FROM _sqlite_migrations WHERE name = 'credentials'")
    plain.close()
    with heron.open(root, discover=False) as again:
        assert again.users.tokens() == []
        assert again.users.of_token(again.users.create_token("ada@example.org").secret)


def test_on_the_command_line(ws, capsys, tmp_path):
    root = str(ws.root)
    file = tmp_path / "id.pub"
    file.write_text(public_key(1, "ada@laptop") + "\n")

    def run(*line):
        assert status(["-w", root, "--no-plugins", "org", "users", *line]) == 0
        return capsys.readouterr().out

    assert "ada@laptop" in run("keys", "add", "ada@example.org", str(file))
    assert "SHA256:" in run("keys")
    secret = json.loads(run("tokens", "create", "ada@example.org", "--name", "ci", "--json"))["secret"]
    assert ws.users.of_token(secret).user == "ada@example.org"
    shown = run("tokens", "create", "bob@example.org", "--no-expiry")
    assert ws.users.of_token(shown.split()[-1]).user == "bob@example.org"
    assert secret not in run("tokens") + run("tokens", "list", "--json")
    run("tokens", "revoke", "ci", "--yes")
    run("keys", "remove", "ada@laptop", "--yes")
    assert ws.users.of_token(secret) is None and ws.users.keys() == []
    file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nMySecret")
    assert (
        status(["-w", root, "--no-plugins", "org", "users", "keys", "add", "ada@example.org", str(file)]) == 1
    )
    complaint = capsys.readouterr().err
    assert "private key" in complaint and "MySecret" not in complaint
