"""Signed webhooks and links: genuine ones pass, whatever is changed does not."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.signature import ANSWER, SignatureError, Ticket, is_signed, parse_ticket, signed, signed_ticket

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
KEY = b"k" * 32
TICKET = Ticket(ANSWER, 12, "mill-boss", NOW + dt.timedelta(hours=1))


def test_a_webhook_signature_is_the_hmac_of_time_and_body() -> None:
    expected = hmac.new(b"secret", b"1700000000.{}", hashlib.sha256).hexdigest()
    assert signed(b"secret", 1700000000, b"{}") == f"v1={expected}"
    assert is_signed(b"secret", 1700000000, b"{}", signature=f"v1={expected}")
    assert not is_signed(b"secret", 1700000001, b"{}", signature=f"v1={expected}")


@given(st.text(max_size=20), st.integers(0, 2**62), st.text(max_size=20), st.integers(1, 10**6))
def test_a_ticket_comes_back_as_it_was(purpose: str, notice: int, contact: str, seconds: int) -> None:
    ticket = Ticket(purpose, notice, contact, NOW + dt.timedelta(seconds=seconds))
    word = signed_ticket(KEY, ticket)
    assert parse_ticket(KEY, word, purpose=purpose, now=NOW) == ticket
    assert set(word) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(st.data())
def test_a_changed_ticket_is_none(data: st.DataObject) -> None:
    word = signed_ticket(KEY, TICKET)
    at = data.draw(st.integers(0, len(word) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda letter: letter != word[at]))
    changed = word[:at] + other + word[at + 1 :]
    try:
        # The last letter of a base64 word has unused bits: the same bytes are the same ticket.
        assert parse_ticket(KEY, changed, purpose=ANSWER, now=NOW) == TICKET
        assert at == len(word) - 1
    except SignatureError:
        pass


def test_a_ticket_holds_for_its_purpose_key_and_time_only() -> None:
    word = signed_ticket(KEY, TICKET)
    with pytest.raises(SignatureError, match="is for 'answer', expected one for 'report'"):
        parse_ticket(KEY, word, purpose="report", now=NOW)
    with pytest.raises(SignatureError, match="not one of ours"):
        parse_ticket(b"other" * 8, word, purpose=ANSWER, now=NOW)
    with pytest.raises(SignatureError, match="has expired"):
        parse_ticket(KEY, word, purpose=ANSWER, now=TICKET.expires_at)
    for nonsense in ("", ".", "a.b", "a.b.c", word + "x", "é." + word):
        with pytest.raises(SignatureError):
            parse_ticket(KEY, nonsense, purpose=ANSWER, now=NOW)
