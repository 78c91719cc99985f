"""E-mail: one message per notice or digest, the key as Message-ID, so that a repetition is recognised as one."""

from __future__ import annotations

import email.policy
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from alerting.message import Message
from alerting.secret import MailAccount
from domain.error import ConfigurationError, ServiceError


class Mail:
    """Sends through one mail server.

    Parameters
    ----------
    account : MailAccount or None
        Server and account; without one every message is refused.
    timeout_s : float
        Longest wait for the server.
    """

    def __init__(self, account: MailAccount | None, *, timeout_s: float = 30) -> None:
        self._account = account
        self._timeout_s = timeout_s

    def send(self, message: Message) -> None:
        """Hand a message to the mail server."""
        account = self._account
        if account is None:
            raise ConfigurationError("mail: found no [mail] in alert_secrets_file, expected a mail account")
        letter = written(message, account.sender)
        try:
            with self._server(account) as server:
                if account.username is not None:
                    server.login(account.username, account.password or "")
                server.send_message(letter)
        except smtplib.SMTPNotSupportedError as error:
            raise ConfigurationError(f"mail server {account.host}: {error}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise ServiceError(f"mail server {account.host}: {type(error).__name__}: {error}") from error

    def _server(self, account: MailAccount) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=account.ca_file)
        if account.security == "tls":
            return smtplib.SMTP_SSL(account.host, account.port, timeout=self._timeout_s, context=context)
        server = smtplib.SMTP(account.host, account.port, timeout=self._timeout_s)
        if account.security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def close(self) -> None:
        """Nothing stays open between messages."""


def written(message: Message, sender: str) -> EmailMessage:
    """The letter of a message."""
    letter = EmailMessage(policy=email.policy.SMTP)
    letter["From"] = sender
    letter["To"] = message.address
    letter["Subject"] = " ".join(message.subject_zh.split())
    letter["Date"] = formatdate()
    letter["Message-ID"] = f"<{message.key}@lantian>"
    letter["Lantian-Key"] = message.key
    letter["Lantian-Attempt"] = str(message.attempt)
    letter.set_content(message.text_zh)
    return letter
