"""Mails a request to the designated person of a department, by SMTP with STARTTLS and AUTH; notices to the operator.

Called by `deliver.py` and `collect/alerts.py` through `Channel`; what a mail says stands in `_mail.py`. It counts as
perhaps delivered only between its final dot and the server's answer to that (RFC 5321, sections 4.1.1.4 and 4.2.5);
before, a lost connection means surely not. Mail keeps no state: staff close the request on Tickets, where it links to.
"""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import ssl
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, Literal, Self

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator

from connector import adapters
from connector.dispatch import Channel, Receipt, Request, _mail
from connector.dispatch._text import quoted
from connector.errors import AuthError, RefusedError, TemporaryError, UnclearError

LOGIN_CODES = (530, 534, 535, 538)
"""RFC 4954, section 6: the answer is about our login, whatever it was given to."""
Reply = tuple[int, bytes]


class Email(Channel):
    """One mail server and one sender."""

    title = "E-mail"
    needs_address = True
    can_notify = True

    class Settings(adapters.Settings):
        host: str = Field(min_length=1, description="Name of the mail server")
        port: int = Field(587, ge=1, le=65535, description="Usually 587 for starttls, 465 for tls")
        username: str = Field("", description="Login at the mail server; empty: none")
        password: SecretStr = Field(SecretStr(""), description="Password of that login")
        sender: str = Field(description="Address that the mails come from")
        tls: Literal["starttls", "tls", "none"] = Field("starttls", description="none: only to this computer itself")
        ca_file: FilePath | None = Field(None, description="Certificates to trust, if not the system's own")

        @field_validator("sender")
        @classmethod
        def _one_address(cls, sender: str) -> str:
            if not _mail.ADDRESS.fullmatch(sender):
                raise ValueError("write one address, like 311@example.gov")
            return sender

        @field_validator("ca_file")
        @classmethod
        def _holds_certificates(cls, file: FilePath | None) -> FilePath | None:
            try:
                ssl.create_default_context(cafile=file)
            except ssl.SSLError as error:
                raise ValueError("holds no certificate in PEM format") from error
            return file

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            if self.tls == "none" and not _is_loopback(self.host):
                raise ValueError("`tls` may be none only for this computer itself; write starttls or tls")
            if self.username and not self.password.get_secret_value():
                raise ValueError("`username` needs a `password`")
            if not (self.username + self.password.get_secret_value()).isascii():
                raise ValueError("`username` and `password` may hold ASCII characters only")
            return self

    def send(self, request: Request) -> Receipt:
        """Mail it once; the receipt's number is our own reference."""
        if not request.to:
            raise RefusedError(f"“{request.type_title}” names no address to mail to; set it in Settings.", self.name)
        mail = _mail.message(request, self.settings.sender, self.name)
        self._mail(mail, request.to, (request.text, request.place))
        return Receipt(number=request.reference)

    def notify(self, to: str, subject: str, text: str) -> None:
        """The errors are those of `send`."""
        self._mail(_mail.notice(to, subject, text, self.settings.sender, self.name), to)

    def _mail(self, mail: EmailMessage, to: str, posts: tuple[str, ...] = ()) -> None:
        text = smtplib.quotedata(mail.as_bytes().decode("ascii"))
        with self._session() as smtp:
            self._expect(smtp.mail(self.settings.sender), 250, posts)
            self._expect(smtp.rcpt(to), 250, posts)
            self._expect(smtp.docmd("DATA"), 354, posts)
            _pace(smtp, time.monotonic() + self.timeout / 2)
            smtp.send(text)
            self._expect(self._final_dot(smtp), 250, posts)

    def test(self) -> str:
        """Everything but a mail: connect, encrypt, log in, ask for a sign of life."""
        with self._session() as smtp:
            self._expect(smtp.noop(), 250)
            how = smtp.sock.version() if isinstance(smtp.sock, ssl.SSLSocket) else "not encrypted"
        did = "lets us log in" if self.settings.username else "answers"
        return f"{self.settings.host} {did} ({how})."

    def _final_dot(self, smtp: smtplib.SMTP) -> Reply:
        try:
            smtp.send(".\r\n")
            code, words = smtp.getreply()
        except OSError as error:
            raise UnclearError(
                f"{self.settings.host} took the mail, but its answer was lost; it may have arrived.", self.name
            ) from error
        if not 200 <= code < 600:
            raise UnclearError(f"{self.settings.host} took the mail, but its answer cannot be read.", self.name)
        return code, words

    def _expect(self, reply: Reply, wanted: int, posts: tuple[str, ...] = ()) -> None:
        """Go on, or raise what their answer means for this mail."""
        code, words = reply
        if code // 100 == wanted // 100:
            return
        told = self._told(code, words, posts)
        if code in LOGIN_CODES:
            raise AuthError(f"{self.settings.host} refuses our login {told}.", self.name)
        if 500 <= code < 600:
            raise RefusedError(f"{self.settings.host} refused the mail {told}.", self.name)
        raise TemporaryError(f"{self.settings.host} takes no mail now {told}.", self.name)

    @contextlib.contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection, encrypted and logged in; what fails in it has surely not been delivered.

        Half of the time is for this, so that the other half is left for the answer to the mail itself.
        """
        host, until = self.settings.host, time.monotonic() + self.timeout / 2
        try:
            with contextlib.closing(self._connected()) as smtp:
                self._log_in(smtp, until)
                _pace(smtp, until)
                yield smtp
                with contextlib.suppress(OSError):
                    _pace(smtp, time.monotonic() + 1)
                    smtp.quit()
        except ssl.SSLCertVerificationError as error:
            why = f"The certificate of {host} is not trusted ({error.verify_message})"
            raise AuthError(f"{why}; nothing was sent. Mend it or `ca_file`, then resume.", self.name) from error
        except ssl.SSLError as error:
            raise TemporaryError(f"No encrypted connection to {host} came about.", self.name) from error
        except smtplib.SMTPResponseException as error:
            told = self._told(error.smtp_code, error.smtp_error)
            if 500 <= error.smtp_code < 600:
                raise AuthError(f"{host} refuses our login or connection {told}.", self.name) from error
            raise TemporaryError(f"{host} takes no mail now {told}.", self.name) from error
        except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
            raise TemporaryError(f"{host} did not answer in time or broke off; nothing was sent.", self.name) from error
        except smtplib.SMTPException as error:
            raise AuthError(
                f"{host} offers no encryption or login that we can use; nothing was sent.", self.name
            ) from error
        except OSError as error:
            raise TemporaryError(f"{host} cannot be reached.", self.name) from error

    def _connected(self) -> smtplib.SMTP:
        where: dict[str, Any] = {"host": self.settings.host, "port": self.settings.port, "timeout": self.timeout / 4}
        where["local_hostname"] = self.settings.sender.rpartition("@")[2]
        if self.settings.tls == "tls":
            return smtplib.SMTP_SSL(**where, context=ssl.create_default_context(cafile=self.settings.ca_file))
        return smtplib.SMTP(**where)

    def _log_in(self, smtp: smtplib.SMTP, until: float) -> None:
        if self.settings.tls == "starttls":
            _pace(smtp, until)
            smtp.starttls(context=ssl.create_default_context(cafile=self.settings.ca_file))
        _pace(smtp, until)
        smtp.ehlo_or_helo_if_needed()
        if self.settings.username:
            _pace(smtp, until)
            smtp.login(self.settings.username, self.settings.password.get_secret_value())

    def _told(self, code: int, words: bytes | str, posts: tuple[str, ...] = ()) -> str:
        said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        return f"({code}, “{quoted(said, [self.settings.password.get_secret_value()], posts)}”)"


def _pace(smtp: smtplib.SMTP, until: float) -> None:
    """The next answer has until then."""
    left = until - time.monotonic()
    if left <= 0 or smtp.sock is None:
        raise TimeoutError
    smtp.sock.settimeout(left)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
