"""Keeps what would have been mailed, one file a request, and shows it; nothing leaves this computer.

The demo and towns without a mail server use it. The file name is the reference, so sending twice keeps one mail, and
a lost answer is cleared up by looking. Called by `deliver.py` and, for the page that shows the mails, by its reader.
"""

from __future__ import annotations

import contextlib
import email
import os
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path

from pydantic import Field, field_validator

from connector import adapters
from connector.dispatch import Absent, Channel, Found, Receipt, Request, Unknown, _mail
from connector.errors import TemporaryError

NOTICE = "notice-"
"""What the references of mails to the operator begin with."""
NOTICE_KEPT = timedelta(days=7)
"""How long these are kept: they tell of a moment, and no request, with its end, stands behind them."""


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail as it would have gone out; plain text, to be shown as text."""

    reference: str
    subject: str
    to: str
    body: str
    kept_at: datetime


class Outbox(Channel):
    """A folder in the data directory."""

    title = "Outbox (keeps the mail, sends nothing)"
    can_find = True
    leaves_house = False
    can_notify = True

    class Settings(adapters.Settings):
        sender: str = Field("connector@localhost", description="Address that the mails would come from")

        @field_validator("sender")
        @classmethod
        def _one_address(cls, sender: str) -> str:
            if not _mail.ADDRESS.fullmatch(sender):
                raise ValueError("write one address, like 311@example.gov")
            return sender

    @property
    def folder(self) -> Path:
        return self.home / "outbox"

    def send(self, request: Request) -> Receipt:
        """Write the mail, complete or not at all; one that is kept already stays as it is."""
        self._keep(request.reference, _mail.message(request, self.settings.sender, self.name))
        return Receipt(number=request.reference)

    def notify(self, to: str, subject: str, text: str) -> None:
        """Keep it like a mail, under a name of its own."""
        self._keep(f"{NOTICE}{secrets.token_hex(6)}", _mail.notice(to, subject, text, self.settings.sender, self.name))

    def find(self, request: Request) -> Found | Absent | Unknown:
        """Found if the file is there."""
        try:
            self._file(request.reference).stat()
        except FileNotFoundError:
            return Absent()
        except OSError as error:
            return Unknown(f"The outbox cannot be read: {error.strerror}")
        return Found(Receipt(number=request.reference))

    def test(self) -> str:
        """Counts the mails."""
        return f"{len(self.messages())} mails are kept; nothing leaves this computer."

    def forget(self, reference: str) -> None:
        """Delete the mail, and what a crash may have left of it half written."""
        file = self._file(reference)
        for one in (file, *self.folder.glob(f".{file.stem}.*.part")):
            one.unlink(missing_ok=True)

    def forget_notices(self) -> None:
        """Delete those older than `NOTICE_KEPT`."""
        before = time.time() - NOTICE_KEPT.total_seconds()
        for file in (*self.folder.glob(f"{NOTICE}*.eml"), *self.folder.glob(f".{NOTICE}*.part")):
            with contextlib.suppress(FileNotFoundError):  # another worker's chore, or its writing came to an end
                if file.stat().st_mtime < before:
                    file.unlink()

    def messages(self) -> list[KeptMail]:
        """Every mail that is kept, newest first."""
        kept = [mail for file in self.folder.glob("[!.]*.eml") if (mail := self.read(file.stem))]
        return sorted(kept, key=lambda mail: (mail.kept_at, mail.reference), reverse=True)

    def read(self, reference: str) -> KeptMail | None:
        """The mail of this reference, None if there is none (any more)."""
        file = self._file(reference)
        try:
            mail = email.message_from_bytes(file.read_bytes(), policy=policy.default)
            body = mail.get_content().replace("\r\n", "\n")
            kept_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None
        return KeptMail(reference, str(mail["Subject"]), str(mail["To"] or ""), body, kept_at)

    def _file(self, reference: str) -> Path:
        return self.folder / f"{_mail.checked_reference(reference, self.name)}.eml"

    def _keep(self, reference: str, mail: EmailMessage) -> None:
        file = self._file(reference)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not file.exists():
                self._write(file, mail.as_bytes())
        except OSError as error:
            raise TemporaryError(f"The outbox cannot be written: {error.strerror}.", self.name) from error

    def _write(self, file: Path, content: bytes) -> None:
        """Through a file beside it, flushed to the disk before the name appears, and the name too before we say so."""
        part = file.with_name(f".{file.stem}.{secrets.token_hex(4)}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
