"""What a message says: for people as text, for programs as one JSON object that is the same in every repetition."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from domain.alert import severities
from domain.period import ZONE
from store.delivery import Claim, Item

#: Link under which the receiver of a notice answers it; None where there is none.
LinkOf: TypeAlias = Callable[[Item, str], str | None]
#: Subjects that a digest spells out.
SPELLED: Final = 20


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to send.

    Attributes
    ----------
    key : str
        The same in every repetition: receivers recognise one by it.
    contact_id, address : str
        To whom, and where.
    subject_zh, text_zh : str
        What people read; the text ends with the key.
    body : mapping
        What programs read.
    area_id, enterprise_id : str or None
        Of its notices.
    attempt : int
        From 1.
    """

    key: str
    contact_id: str
    address: str
    subject_zh: str
    text_zh: str
    body: Mapping[str, Any]
    area_id: str | None
    enterprise_id: str | None
    attempt: int

    @property
    def content(self) -> bytes:
        """The body as JSON in UTF-8."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def no_link(_item: Item, _contact_id: str) -> str | None:
    """Where no console is reachable, no link is sent."""
    return None


def composed(claim: Claim, link_of: LinkOf = no_link) -> Message:
    """The message of a claim: one notice, or a digest of several.

    Parameters
    ----------
    claim : Claim
        What to tell whom.
    link_of : callable
        Makes the link under which a notice is answered.

    Returns
    -------
    Message
        Nothing in it but `attempt` changes when it is sent again.
    """
    key, first = str(claim.key), claim.items[0]
    links = [link_of(item, claim.contact_id) if item.respond_by is not None else None for item in claim.items]
    one = len(claim.items) == 1
    subject = _subject(first) if one else _digest_subject(claim)
    text = _text(first, links[0]) if one else _digest_text(claim)
    notices = [_body(item, link) for item, link in zip(claim.items, links, strict=True)]
    return Message(
        key,
        claim.contact_id,
        claim.address,
        subject,
        f"{text}\n编号 {key}",
        {"key": key, "contact": claim.contact_id, "notices": notices},
        first.area_id,
        first.enterprise_id,
        claim.attempt,
    )


def _subject(item: Item) -> str:
    return f"【{severities()[item.severity].name_zh}】{item.subject_zh}"


def _text(item: Item, link: str | None) -> str:
    lines = [_subject(item), item.body_zh] if item.body_zh else [_subject(item)]
    lines.append(f"时间 {item.created_at.astimezone(ZONE):%Y-%m-%d %H:%M}")
    if item.respond_by is not None:
        lines.append(f"请于 {item.respond_by.astimezone(ZONE):%m-%d %H:%M} 前回执" + (f"：{link}" if link else ""))
    return "\n".join(lines)


def _digest_subject(claim: Claim) -> str:
    counts = Counter(item.severity for item in claim.items)
    parts = [f"{severities()[level].name_zh} {counts[level]} 条" for level in sorted(counts, reverse=True)]
    return f"通知汇总 {len(claim.items)} 条（{'，'.join(parts)}）"


def _digest_text(claim: Claim) -> str:
    lines = [_digest_subject(claim)]
    lines += [f"{number}. {_subject(item)}" for number, item in enumerate(claim.items[:SPELLED], 1)]
    if len(claim.items) > SPELLED:
        lines.append(f"另有 {len(claim.items) - SPELLED} 条，请在操作台查看")
    return "\n".join(lines)


def _body(item: Item, link: str | None) -> dict[str, Any]:
    body = {
        **{"notice_id": item.notice_id, "kind": item.kind, "reference": item.reference, "severity": item.severity},
        **{"severity_zh": severities()[item.severity].name_zh, "subject": item.subject_zh, "text": item.body_zh},
        **{"area": item.area_id, "enterprise": item.enterprise_id, "payload": dict(item.payload)},
        "created_at": item.created_at.astimezone(ZONE).isoformat(),
        "respond_by": None if item.respond_by is None else item.respond_by.astimezone(ZONE).isoformat(),
    }
    return body if link is None else {**body, "answer_link": link}
