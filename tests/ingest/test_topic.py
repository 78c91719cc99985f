"""Topics: what is ours, and where answers go."""

from __future__ import annotations

import pytest

from domain.error import RejectError
from ingest.topic import Topic, answer_topic, parse_topic, subscriptions


def test_parts() -> None:
    assert parse_topic("lt/v1/zhongyang/json/zy-01/data") == Topic("zhongyang", "json", "zy-01", "data")
    assert parse_topic("lt/v1/zhongyang/hj212/A.b_1/state").stream == "state"


NOT_OURS = """
lt/v1/c/json/d
lt/v1/c/json/d/data/x
lt/v2/c/json/d/data
lt/v1/c/json/d/cmd
lt/v1/c/json//data
lt/v1/c/json/设备/data
lt/v1/c/json/a b/data
""".strip().splitlines()


@pytest.mark.parametrize("text", ["", *NOT_OURS, f"lt/v1/c/json/{'d' * 65}/data", "lt/v1/c/json/d/data\n"])
def test_what_is_none_of_ours(text: str) -> None:
    with pytest.raises(RejectError, match="unknown_topic"):
        parse_topic(text)


def test_answers_and_subscriptions() -> None:
    assert answer_topic("lt/v1/c/json/d/data", "reply") == "lt/v1/c/json/d/reply"
    assert answer_topic("lt/v1/c/json/d/state", "error") == "lt/v1/c/json/d/error"
    assert subscriptions() == ("lt/v1/+/+/+/data", "lt/v1/+/+/+/state")
    assert subscriptions("zhongyang")[0] == "lt/v1/zhongyang/+/+/data"
