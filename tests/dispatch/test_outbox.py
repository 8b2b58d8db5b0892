"""The outbox keeps whole mails, once each, readable by nobody else, and forgets them."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from connector.dispatch import Absent, Unknown
from connector.dispatch.outbox import NOTICE, Outbox
from connector.errors import ConfigError, RefusedError, TemporaryError
from tests.contracts import TEXT, ChannelContract, a_request


class TestOutbox(ChannelContract):
    kind = "outbox"

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {}

    def test_it_shows_what_would_have_been_mailed(self, channel: Outbox) -> None:
        channel.send(a_request(reference="SC-OLDER1"))
        os.utime(channel.folder / "SC-OLDER1.eml", (1, 1))
        channel.send(a_request())
        newest, older = channel.messages()
        assert (newest.reference, older.reference) == ("SC-7F3K9Q", "SC-OLDER1")
        assert newest.subject == "[SC-7F3K9Q] Pothole, Quarry Rd & Elm St"
        assert newest.to == "streets@city.example"
        assert f"> {TEXT}\n" in newest.body
        assert "\r" not in newest.body
        assert channel.read("SC-OLDER1") == older
        assert channel.read("SC-NEVER1") is None

    def test_only_its_owner_can_read(self, channel: Outbox) -> None:
        channel.send(a_request())
        assert stat.S_IMODE(channel.folder.stat().st_mode) == 0o700
        assert [stat.S_IMODE(file.stat().st_mode) for file in channel.folder.iterdir()] == [0o600]

    def test_sending_twice_keeps_one(self, channel: Outbox) -> None:
        assert channel.send(a_request()) == channel.send(a_request(text="another text"))
        (kept,) = channel.messages()
        assert TEXT in kept.body

    def test_notices_are_kept_each_by_itself(self, channel: Outbox) -> None:
        for _ in range(2):
            channel.notify("it@city.example", "Port Alder: source x is refused", "What to do")
        assert [(mail.to, mail.subject, mail.body) for mail in channel.messages()] == [
            ("it@city.example", "Port Alder: source x is refused", "What to do\n")
        ] * 2
        assert all(mail.reference.startswith(NOTICE) for mail in channel.messages())

    def test_notices_go_after_a_week_and_nothing_else_does(self, channel: Outbox) -> None:
        channel.send(a_request())
        channel.notify("it@city.example", "old", "What to do")
        (channel.folder / f".{NOTICE}0badcafe.0badcafe.part").write_text("half a notice of a crashed process")
        for file in channel.folder.iterdir():
            os.utime(file, (time.time() - 7 * 86_400 - 5,) * 2)
        channel.notify("it@city.example", "young", "What to do")
        for file in channel.folder.glob(f"{NOTICE}*"):
            if channel.read(file.stem).subject == "young":  # type: ignore[union-attr]
                os.utime(file, (time.time() - 7 * 86_400 + 5,) * 2)
        channel.forget_notices()
        channel.forget_notices()
        assert sorted(mail.subject for mail in channel.messages()) == [
            "[SC-7F3K9Q] Pothole, Quarry Rd & Elm St",
            "young",
        ]
        assert len(list(channel.folder.iterdir())) == 2

    def test_where_nothing_was_kept_yet_nothing_is_forgotten(self, channel: Outbox) -> None:
        channel.forget_notices()
        assert not channel.folder.exists()

    def test_forgetting_leaves_nothing(self, channel: Outbox) -> None:
        channel.send(a_request())
        (channel.folder / ".SC-7F3K9Q.0badcafe.part").write_text("half a mail of a crashed process")
        channel.send(a_request(reference="SC-OTHER1"))
        channel.forget("SC-7F3K9Q")
        assert [file.name for file in channel.folder.iterdir()] == ["SC-OTHER1.eml"]
        assert channel.find(a_request()) == Absent()

    def test_half_written_mails_are_not_shown(self, channel: Outbox) -> None:
        channel.send(a_request())
        (channel.folder / ".SC-AAAAAA.0badcafe.part").write_text("half")
        assert len(channel.messages()) == 1

    def test_a_full_disk_is_temporary_and_leaves_no_piece(self, channel: Outbox, monkeypatch: Any) -> None:
        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(TemporaryError, match="No space left"):
            channel.send(a_request())
        assert list(channel.folder.iterdir()) == []

    def test_a_file_in_its_way_is_temporary(self, tmp_path: Path, settings: dict[str, Any]) -> None:
        (tmp_path / "outbox").write_text("")
        channel = self.load(settings, tmp_path)
        with pytest.raises(TemporaryError):
            channel.send(a_request())
        assert isinstance(channel.find(a_request()), Unknown)

    @pytest.mark.parametrize("reference", ["", "../SC-1", "a/b", "SC 1", "SC-1\n", ".hidden", "SC-1\x00", "x" * 65])
    def test_a_reference_is_never_a_path(self, reference: str, channel: Outbox, tmp_path: Path) -> None:
        with pytest.raises(RefusedError):
            channel.send(a_request(reference=reference))
        with pytest.raises(RefusedError):
            channel.forget(reference)
        assert list(tmp_path.rglob("*.eml")) == []

    def test_it_needs_no_address(self, channel: Outbox) -> None:
        channel.send(a_request(to=""))
        assert channel.messages()[0].to == ""

    def test_a_sender_is_one_address(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="sender"):
            self.load({"sender": "a@b.example, c@d.example"}, tmp_path)
