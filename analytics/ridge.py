"""Ridge regression of many targets on one set of predictors, with gaps in the targets and blocks held out.

Each target has its own exact solution over the rows in which it was measured. The cross-products of all rows are
computed once and those of the rows without the target subtracted, so that gaps cost little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

#: Added to the diagonal everywhere.
_TRACE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class RidgeFit:
    """Solutions for t targets on k columns.

    Attributes
    ----------
    weights : ndarray of float64
        Shape (t, k); NaN for a target that was never measured.
    held_out : ndarray of float64
        Shape (n, t); what each row's target would have been expected to be by the rows of the other folds alone.
    """

    weights: Floats
    held_out: Floats


def ridge_fit(design: Floats, targets: Floats, folds: Integers, *, penalties: Floats) -> RidgeFit:
    """Fit every target by penalised least squares, on all rows and on all but each fold.

    Parameters
    ----------
    design : ndarray of float64
        Shape (n, k), without NaN.
    targets : ndarray of float64
        Shape (n, t); NaN = not measured.
    folds : ndarray of int64
        Shape (n,); fold 0, 1, ... of each row.
    penalties : ndarray of float64
        Shape (t, k); times the number of measured rows it is added to the diagonal. 0 leaves a column free.

    Returns
    -------
    RidgeFit
        Weights of all rows, and held-out expectations.
    """
    present = ~np.isnan(targets)
    filled = np.where(present, targets, 0.0)
    parts = [np.flatnonzero(folds == fold) for fold in range(int(folds.max()) + 1)]
    designs = [design[rows] for rows in parts]
    grams = [part.T @ part for part in designs]
    moments = np.stack([part.T @ filled[rows] for part, rows in zip(designs, parts, strict=True)])
    weights = np.full((targets.shape[1], design.shape[1]), np.nan)
    without = np.full((len(parts), *weights.shape), np.nan)
    for at in range(targets.shape[1]):
        gaps = [part[~present[rows, at]] for part, rows in zip(designs, parts, strict=True)]
        own = [gram - gap.T @ gap for gram, gap in zip(grams, gaps, strict=True)]
        counts = np.array([len(rows) - len(gap) for rows, gap in zip(parts, gaps, strict=True)])
        whole, moment = np.sum(own, axis=0), moments[:, :, at].sum(axis=0)
        if counts.sum():
            weights[at] = _solution(whole, moment, penalties[at] * counts.sum())
        for fold, left in enumerate(counts.sum() - counts):
            if left:
                others = moment - moments[fold, :, at]
                without[fold, at] = _solution(whole - own[fold], others, penalties[at] * left)
    held_out = np.full(targets.shape, np.nan)
    for part, rows, solutions in zip(designs, parts, without, strict=True):
        held_out[rows] = part @ solutions.T
    return RidgeFit(weights, held_out)


def _solution(gram: Floats, moment: Floats, penalty: Floats) -> Floats:
    # A column that never varies is zero throughout and may be free: a trace on the diagonal keeps it solvable.
    return np.asarray(np.linalg.solve(gram + np.diag(penalty + _TRACE), moment))
