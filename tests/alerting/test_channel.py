"""Every channel against a real server: what arrives, what is signed, what is refused, and that no secret leaks."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from alert_scene import NOW
from apprise.plugins.feishu import NotifyFeishu
from receiver import Receiver

from alerting.backoff import pause
from alerting.group import shortened
from alerting.mail import Mail
from alerting.message import Message, composed
from alerting.robot import Robot, Sms
from alerting.secret import ChannelSecrets, MailAccount, parse_secrets, redacted
from alerting.signature import is_signed
from alerting.webhook import Webhook, origin_of, parsed_origins
from app.service.authority import Authority
from app.service.port import free_port
from domain.alert import channel_policies
from domain.error import ConfigurationError, ServiceError
from store.delivery import Claim, Item

KEY = "0123456789abcdef"
TOKEN = "b2c0ffee-0000-4000-8000-secretsecret"


def item(number: int = 7, severity: int = 3, **others: Any) -> Item:
    values: dict[str, Any] = {
        "delivery_id": number, "notice_id": number, "kind": "alert", "reference": "alert:1", "area_id": "x",
        "enterprise_id": "mill", "severity": severity, "subject_zh": f"颗粒物超标{number}", "body_zh": "限值 10",
        "payload": {"pm": 12}, "created_at": NOW, "respond_by": NOW + dt.timedelta(hours=1),
    }  # fmt: skip
    return Item(**{**values, **others})


def message(address: str, *items: Item, attempt: int = 1) -> Message:
    claim = Claim(UUID(int=1), "w", "mill-dcs", "any", address, attempt, items or (item(),))
    return composed(claim, lambda one, _: f"https://air.example/answer/{one.notice_id}")


def test_text_and_body_say_the_same_and_a_repetition_is_the_same() -> None:
    first, again = message("a"), message("a", attempt=3)
    assert first.content == again.content
    assert first.text_zh == again.text_zh
    assert first.subject_zh == "【重要】颗粒物超标7"
    assert first.text_zh.splitlines() == [
        "【重要】颗粒物超标7", "限值 10", "时间 2026-03-01 12:00",
        "请于 03-01 13:00 前回执：https://air.example/answer/7", "编号 00000000-0000-0000-0000-000000000001",
    ]  # fmt: skip
    assert first.body["notices"][0]["respond_by"] == "2026-03-01T13:00:00+08:00"


def test_a_digest_counts_all_and_spells_out_the_first() -> None:
    many = message("a", *(item(number, 3 if number < 3 else 2) for number in range(1, 31)))
    assert many.subject_zh == "通知汇总 30 条（重要 2 条，一般 28 条）"
    assert "另有 10 条" in many.text_zh
    assert len(many.body["notices"]) == 30


def test_a_webhook_is_signed_and_carries_its_key(receiver: Receiver) -> None:
    hook = Webhook({receiver.origin}, ChannelSecrets(KEY), time_s=lambda: 1700000000.9)
    hook.send(message(f"{receiver.origin}/erp?plant=1", attempt=2))
    [call] = receiver.calls
    assert call.path == "/erp?plant=1"
    assert call.headers["Lantian-Attempt"] == "2"
    assert call.headers["Lantian-Timestamp"] == "1700000000"
    assert is_signed(KEY.encode(), 1700000000, call.content, signature=call.headers["Lantian-Signature"])
    assert call.body["key"] == call.headers["Lantian-Key"] == str(UUID(int=1))


def test_a_contacts_own_key_signs_for_it(receiver: Receiver) -> None:
    own = "its-own-key-of-mill"
    Webhook({receiver.origin}, ChannelSecrets(KEY, {"mill-dcs": own}), time_s=lambda: 1.0).send(
        message(receiver.origin)
    )
    call = receiver.calls[0]
    assert is_signed(own.encode(), 1, call.content, signature=call.headers["Lantian-Signature"])


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 500, 503])
def test_anything_but_2xx_is_tried_again_and_redirections_are_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _call: (status, b"why")
    with pytest.raises(ServiceError, match=f"answered {status} why"):
        Webhook({receiver.origin}, ChannelSecrets(KEY), time_s=lambda: 1.0).send(message(receiver.origin))
    assert len(receiver.calls) == 1


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data", "https://127.0.0.1.nip.io/", "http://127.0.0.1:22/", "ftp://a/b",
        "file:///etc/passwd", "https://erp.example@evil.example/", "https://erp.example:99999/", "https:///x", "no",
        "https://erp.example.evil.example/", "http://erp.example/", "https://erp.example:8443/",
    ],
)  # fmt: skip
def test_only_allowed_origins_are_ever_called(address: str) -> None:
    hook = Webhook(
        parsed_origins("https://erp.example, http://127.0.0.1:8080"), ChannelSecrets(KEY), time_s=lambda: 1.0
    )
    with pytest.raises(ConfigurationError):
        hook.send(message(address))


def test_origins_are_https_except_on_this_machine() -> None:
    assert parsed_origins("https://ERP.example:443/ ,http://localhost:80") == {
        "https://erp.example",
        "http://localhost",
    }
    assert origin_of("https://erp.example/a/b?c") == "https://erp.example"
    for wrong in ("http://erp.example", "erp.example", "https://erp.example/path", "https://a@b"):
        with pytest.raises(ConfigurationError):
            parsed_origins(wrong)


def test_without_a_key_no_webhook_is_sent(receiver: Receiver) -> None:
    with pytest.raises(ConfigurationError, match="found no key"):
        Webhook({receiver.origin}, ChannelSecrets(), time_s=lambda: 1.0).send(message(receiver.origin))
    assert receiver.calls == []


@dataclass
class Post:
    """A mail server's handler."""

    letters: list[tuple[list[str], bytes, bool]] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        self.letters.append((envelope.rcpt_tos, envelope.content, session.ssl is not None))
        return self.answer


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[tuple[Post, MailAccount]]:
    authority = Authority(tmp_path / "tls")
    authority.ensure(["localhost"], dt.datetime.now(dt.UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls" / "server.crt", tmp_path / "tls" / "server.key")

    def authenticated(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"lantian", b"mail-password")
        return AuthResult(success=right)

    post, port = Post(), free_port(0)
    server = Controller(
        post,
        "127.0.0.1",
        port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticated,
    )
    server.start()
    ca = str(authority.certificate_file)
    yield post, MailAccount("localhost", port, "air@bureau.example", "starttls", "lantian", "mail-password", ca)
    server.stop()


def test_mail_goes_by_starttls_with_its_key_as_message_id(mail_server: tuple[Post, MailAccount]) -> None:
    post, account = mail_server
    Mail(account).send(message("boss@mill.example"))
    Mail(account).send(message("boss@mill.example", attempt=2))
    (to, content, encrypted), (_, again, _) = post.letters
    assert to == ["boss@mill.example"]
    assert encrypted
    for letter in (content, again):
        assert b"Message-ID: <00000000-0000-0000-0000-000000000001@lantian>" in letter
    read = message_from_bytes(content, policy=policy.default)
    assert read["Subject"] == "【重要】颗粒物超标7"
    assert "限值 10" in read.get_content()


def test_mail_faults_are_told_without_the_password(mail_server: tuple[Post, MailAccount], tmp_path: Path) -> None:
    post, account = mail_server
    stranger = Authority(tmp_path / "stranger")
    stranger.ensure(["localhost"], dt.datetime.now(dt.UTC))
    wrong = [
        replace(account, password="mail-passwort"),
        replace(account, ca_file=str(stranger.certificate_file)),
        replace(account, port=1),
        replace(account, security="tls"),
    ]
    for one in wrong:
        with pytest.raises(ServiceError) as caught:
            Mail(one, timeout_s=5).send(message("boss@mill.example"))
        assert "mail-passw" not in str(caught.value) + repr(one)
    post.answer = "451 try again later"
    with pytest.raises(ServiceError, match="451"):
        Mail(account).send(message("boss@mill.example"))
    with pytest.raises(ConfigurationError, match="no \\[mail\\]"):
        Mail(None).send(message("boss@mill.example"))


def robot(address: str) -> Robot:
    return Robot(ChannelSecrets(gateways={"group": address}), time_s=lambda: 1700000000.0)


@pytest.mark.parametrize("path", ["/cgi-bin/webhook/send?key=", "/robot/send?access_token="])
def test_robots_of_wecom_and_dingtalk_hear_text_and_key_and_their_refusals_count(receiver: Receiver, path: str) -> None:
    receiver.answer = lambda _call: (200, b'{"errcode": 0, "errmsg": "ok"}')
    group = robot(f"{receiver.origin}{path}{TOKEN}")
    group.send(message("group"))
    [call] = receiver.calls
    assert call.path == f"{path}{TOKEN}"
    assert call.body["msgtype"] == "text"
    assert call.body["text"]["content"] == message("group").text_zh
    for refusal in ((200, b'{"errcode": 45009}'), (200, b"busy"), (500, f"no {TOKEN}".encode())):
        receiver.answer = lambda _call, refusal=refusal: refusal
        with pytest.raises(ServiceError, match="expected errcode 0") as caught:
            group.send(message("group"))
        assert TOKEN not in str(caught.value)


def test_a_dingtalk_robot_is_signed(receiver: Receiver) -> None:
    receiver.answer = lambda _call: (200, b'{"errcode": 0}')
    robot(f"{receiver.origin}/robot/send?access_token={TOKEN}&secret=SECabc").send(message("group"))
    query = parse_qs(urlsplit(receiver.calls[0].path).query)
    mac = hmac.new(b"SECabc", b"1700000000000\nSECabc", hashlib.sha256).digest()
    assert query == {
        "access_token": [TOKEN], "timestamp": ["1700000000000"], "sign": [base64.b64encode(mac).decode()]
    }  # fmt: skip


def test_long_texts_are_shortened_before_their_key() -> None:
    text = shortened("汉" * 1000 + "\n编号 1", 2048)
    assert len(text.encode()) <= 2048
    assert text.endswith("…\n编号 1")
    assert shortened("短\n编号 1", 2048) == "短\n编号 1"


def test_feishu_goes_through_apprise(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyFeishu, "notify_url", f"{receiver.origin}/open-apis/bot/v2/hook/{{token}}/")
    receiver.answer = lambda _call: (200, b'{"code": 0}')
    group = robot(f"feishu://{TOKEN}")
    group.send(message("group"))
    said = receiver.calls[0].content.decode()
    assert "颗粒物超标7" in said
    assert str(UUID(int=1)) in said
    for refusal in ((200, b'{"code": 9499}'), (500, f"no {TOKEN}".encode())):
        receiver.answer = lambda _call, refusal=refusal: refusal
        with pytest.raises(ServiceError) as caught:
            group.send(message("group"))
        assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "address", [f"wecombot://{TOKEN}", f"https://qyapi.weixin.qq.com/other?key={TOKEN}", "what://x"]
)
def test_addresses_that_cannot_work_are_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="group") as caught:
        robot(address).send(message("group"))
    assert TOKEN not in str(caught.value)


def test_sms_gateways_get_the_number(receiver: Receiver) -> None:
    where = receiver.origin.removeprefix("http://")
    sms = Sms(ChannelSecrets(gateways={"city": f"json://{where}/send?:to={{to}}&+X-Token={TOKEN}"}), time_s=lambda: 1.0)
    sms.send(message("city:+8613900000000"))
    [call] = receiver.calls
    assert call.headers["X-Token"] == TOKEN
    assert "13900000000" in call.content.decode()
    assert "颗粒物超标7" in call.body["message"]
    for wrong, words in (("city", "expected gateway:number"), ("town:1", "known are city")):
        with pytest.raises(ConfigurationError, match=words):
            sms.send(message(wrong))


def test_secrets_are_checked_and_never_shown() -> None:
    table = {
        "webhook": {"key": KEY, "keys": {"mill-dcs": KEY * 2}},
        "mail": {"host": "mx.example", "port": 587, "sender": "a@b", "password": "hush-hush"},
        "gateway": {"group": f"wecombot://{TOKEN}"},
    }
    found = parse_secrets(table)
    assert found.webhook_keys == {"mill-dcs": KEY * 2}
    assert not any(secret in repr(found) for secret in (KEY, "hush-hush", TOKEN))
    for wrong in (
        {"webhook": {"key": "short"}}, {"mail": {"host": "a"}}, {"gateway": {"a": 1}}, {"nonsense": {}}, {"webhook": 3},
        {"mail": {"host": "mx.example", "port": 25, "sender": "a@b", "security": "none"}},
    ):  # fmt: skip
        with pytest.raises(ConfigurationError) as caught:
            parse_secrets(wrong)
        assert "short" not in str(caught.value)
    assert redacted(f"POST https://x/{TOKEN} failed", f"wecombot://{TOKEN}") == "POST https://x/*** failed"


@pytest.mark.parametrize("channel", channel_policies())
def test_pauses_double_with_jitter_until_no_try_is_left(channel: str) -> None:
    policy = channel_policies()[channel]
    pauses = [pause(policy, attempt, 0.999999) for attempt in range(1, policy.attempts)]
    assert all(one is not None for one in pauses)
    seconds = [one.total_seconds() for one in pauses if one is not None]
    assert seconds[0] == pytest.approx(policy.first_pause_s, rel=1e-4)
    assert seconds == sorted(seconds)
    assert max(seconds) <= policy.longest_pause_s
    half = pause(policy, 1, 0.0)
    assert half is not None
    assert half.total_seconds() == policy.first_pause_s / 2
    assert pause(policy, policy.attempts, 0.5) is None
