"""What the job `quality` appends, against a slow reading of the rule: arrays only, no database."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.job.quality_result import difference
from domain.family import AIR
from domain.flag import NOT_EVALUATED, SUSPECT
from store.quality import Results

#: Device, Unix time, span.
KEYS = st.tuples(st.integers(0, 2), st.sampled_from((0, 60, 1_772_323_200)), st.sampled_from((0, 1, 3600)))
#: A mask and whether it doubts; without a mask nothing is found.
FOUND = st.sampled_from(((32, NOT_EVALUATED), (16, SUSPECT), (48, SUSPECT)))
BEFORE = st.one_of(FOUND, st.just((0, NOT_EVALUATED)))


def results_of(rows: dict[tuple[int, int, int], tuple[int, int]]) -> Results:
    key = np.array(list(rows), dtype=np.int64).reshape(-1, 3)
    flags = np.full((len(rows), AIR.width), NOT_EVALUATED, np.uint8)
    failed = np.zeros((len(rows), AIR.width), np.int16)
    flags[:, 2] = [flag for _, flag in rows.values()]
    failed[:, 2] = [mask for mask, _ in rows.values()]
    return Results(key[:, 0], key[:, 1], np.zeros(len(rows), np.bool_), key[:, 2], flags, failed)


@settings(deadline=None)
@given(st.dictionaries(KEYS, FOUND), st.dictionaries(KEYS, BEFORE))
def test_only_what_differs_is_appended_and_only_other_flags_count(
    found: dict[tuple[int, int, int], tuple[int, int]], before: dict[tuple[int, int, int], tuple[int, int]]
) -> None:
    nothing = (0, NOT_EVALUATED)
    expected = {
        key: (found.get(key, nothing), found.get(key, nothing)[1] != before.get(key, nothing)[1])
        for key in found.keys() | before.keys()
        if found.get(key, nothing) != before.get(key, nothing)
    }
    appended, changed = difference(results_of(found), results_of(before))
    keys = zip(appended.device.tolist(), appended.times_s.tolist(), appended.spans_s.tolist(), strict=True)
    content = zip(appended.failed[:, 2].tolist(), appended.flags[:, 2].tolist(), strict=True)
    assert dict(zip(keys, zip(content, changed.tolist(), strict=True), strict=True)) == expected
    assert len(changed) == len(expected)
