"""Mails a request to the designated person of a department, by SMTP with STARTTLS and AUTH.

Called by `deliver.py` through `Channel`; what the mail says stands in `_mail.py`. A mail counts as perhaps delivered
only between its final dot and the server's answer to that (RFC 5321, sections 4.1.1.4 and 4.2.5); before, a lost
connection means surely not. Mail keeps no state: staff close the request on Tickets, where the mail links to.
"""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import ssl
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import Field, SecretStr, field_validator, model_validator

from connector import adapters
from connector.dispatch import Channel, Receipt, Request, _mail
from connector.dispatch._text import quoted
from connector.errors import AuthError, RefusedError, TemporaryError, UnclearError

AUTH_CODES = (530, 534, 535, 538)
"""RFC 4954, section 6, and its predecessors."""


class Email(Channel):
    """One mail server and one sender."""

    title = "E-mail"
    needs_address = True

    class Settings(adapters.Settings):
        host: str = Field(min_length=1, description="Name of the mail server")
        port: int = Field(587, ge=1, le=65535, description="Usually 587 for starttls, 465 for tls")
        username: str = Field("", description="Login at the mail server; empty: none")
        password: SecretStr = Field(SecretStr(""), description="Password of that login")
        sender: str = Field(description="Address that the mails come from")
        tls: Literal["starttls", "tls", "none"] = Field("starttls", description="none: only on this computer")
        ca_file: Path | None = Field(None, description="Certificates to trust, if not the system's own")

        @field_validator("sender")
        @classmethod
        def _one_address(cls, sender: str) -> str:
            if not _mail.ADDRESS.fullmatch(sender):
                raise ValueError("write one address, like 311@example.gov")
            return sender

        @model_validator(mode="after")
        def _in_the_clear_only_here(self) -> Email.Settings:
            if self.tls == "none" and not _is_loopback(self.host):
                raise ValueError("`tls` may be none only for this computer; write starttls or tls")
            if self.username and not self.password.get_secret_value():
                raise ValueError("`username` needs a `password`")
            return self

    def send(self, request: Request) -> Receipt:
        """Mail it once; the receipt's number is our own reference."""
        if not request.to:
            raise RefusedError(f"“{request.type_title}” names no address to mail to; set it in Settings.", self.name)
        mail = _mail.message(request, self.settings.sender, self.name)
        with self._connection(request.text, request.place) as smtp:
            self._deliver(smtp, mail, request)
        return Receipt(number=request.reference)

    def test(self) -> str:
        """Everything but a mail: connect, encrypt, log in, ask for a sign of life."""
        with self._connection() as smtp:
            self._expect(smtp.noop(), 250)
            how = smtp.sock.version() if isinstance(smtp.sock, ssl.SSLSocket) else "no encryption"
        login = "lets us log in" if self.settings.username else "answers"
        return f"{self.settings.host} {login} ({how})."

    @contextlib.contextmanager
    def _connection(self, *posts: str) -> Iterator[smtplib.SMTP]:
        """A session, logged in; whatever fails in it short of the final dot is surely not delivered."""
        smtp: smtplib.SMTP | None = None
        try:
            smtp = self._connected()
            self._login(smtp)
            yield smtp
        except ssl.SSLCertVerificationError as error:
            why = f"The certificate of {self.settings.host} is not trusted ({error.verify_message}); nothing was sent."
            raise AuthError(f"{why} Mend it or `ca_file`, then resume.", self.name) from error
        except ssl.SSLError as error:
            raise TemporaryError(f"No encrypted connection to {self.settings.host} came about.", self.name) from error
        except smtplib.SMTPNotSupportedError as error:
            what = "STARTTLS" if self.settings.tls == "starttls" and not _encrypted(smtp) else "a login"
            raise AuthError(f"{self.settings.host} offers no {what}; nothing was sent.", self.name) from error
        except smtplib.SMTPResponseException as error:
            self._refuse(error.smtp_code, error.smtp_error, *posts)
        except smtplib.SMTPServerDisconnected as error:
            raise TemporaryError(f"{self.settings.host} broke off before the mail was sent.", self.name) from error
        except smtplib.SMTPException as error:
            raise AuthError(f"{self.settings.host} knows no way of logging in that we know.", self.name) from error
        except OSError as error:
            raise TemporaryError(f"{self.settings.host} cannot be reached.", self.name) from error
        finally:
            if smtp:
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    smtp.quit()
                smtp.close()

    def _connected(self) -> smtplib.SMTP:
        """Connecting, encrypting and logging in get half of the time, so that the answer to the mail has the rest."""
        context = ssl.create_default_context(cafile=self.settings.ca_file)
        us = self.settings.sender.rpartition("@")[2]
        where: dict[str, Any] = {"host": self.settings.host, "port": self.settings.port, "local_hostname": us}
        if self.settings.tls == "tls":
            return smtplib.SMTP_SSL(**where, timeout=self.timeout / 2, context=context)
        smtp = smtplib.SMTP(**where, timeout=self.timeout / 2)
        if self.settings.tls == "starttls":
            try:
                self._expect(smtp.starttls(context=context), 220)
            except BaseException:
                smtp.close()
                raise
        return smtp
