"""Group robots of 企业微信 and 钉钉, by the address that their page shows.

Both answer 200 to what they refuse and say so in the body (`errcode`), which apprise 2.3 does not look at.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from alerting.http_post import posted
from alerting.message import Message
from domain.error import ConfigurationError, ServiceError

WECOM_PATH: Final = "/cgi-bin/webhook/send"
DING_PATH: Final = "/robot/send"
#: Longest text in bytes: 企业微信 takes 2048, 钉钉 20000.
_LONGEST: Final = {WECOM_PATH: 2048, DING_PATH: 20000}


def is_group_address(address: str) -> bool:
    """Whether this is the address of a robot of 企业微信 or 钉钉, as opposed to one in apprise's form."""
    return address.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))


def post_to_group(address: str, message: Message, *, time_s: Callable[[], float], timeout_s: float) -> None:
    """Say something in a group.

    Parameters
    ----------
    address : str
        As the robot's page shows it; for a 钉钉 robot with signing followed by ``&secret=SEC...``.
    message : Message
        What to say.
    time_s : callable
        Unix time.
    timeout_s : float
        Longest wait.
    """
    path = urlsplit(address).path
    if path not in _LONGEST:
        raise ConfigurationError(f"group robot: expected an address ending in {WECOM_PATH} or {DING_PATH}")
    content = {"msgtype": "text", "text": {"content": shortened(message.text_zh, _LONGEST[path])}}
    url = signed_address(address, time_s()) if path == DING_PATH else address
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "lantian"}
    status, answer = posted(url, json.dumps(content, ensure_ascii=False).encode(), headers, timeout_s)
    try:
        code = json.loads(answer).get("errcode")
    except (ValueError, AttributeError):
        code = None
    if status != 200 or code != 0:
        raise ServiceError(f"answered {status} {' '.join(answer[:200].split())}; expected errcode 0")


def signed_address(address: str, now_s: float) -> str:
    """A 钉钉 address with time and signature instead of its secret; one without a secret stays as it is."""
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    secret = query.pop("secret", None)
    if secret is None:
        return address
    stamp = round(now_s * 1000)
    mac = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    query |= {"timestamp": str(stamp), "sign": base64.b64encode(mac).decode()}
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))


def shortened(text: str, longest: int) -> str:
    """`text` in at most `longest` bytes of UTF-8: lines before the last one, which holds the key, are given up."""
    if len(text.encode()) <= longest:
        return text
    body, _, last = text.rpartition("\n")
    room = longest - len(f"…\n{last}".encode())
    return f"{body.encode()[:room].decode('utf-8', 'ignore')}…\n{last}"
