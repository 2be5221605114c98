"""How much every row of a batch counts: the loss is Σ_rows weight · Σ_tokens cross-entropy.

Weights are made from the whole batch of a step, before it is cut into micro-batches or spread
over ranks, so that neither changes what is minimised.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
LossWeight = Literal["token", "row", "language"]


def row_weights(supervised: Int64, language: Int64, rule: LossWeight) -> Float64:
    """The weight of a token in each row, float64[n]; Σ weight · supervised is 1.

    ``supervised`` counts the supervised tokens of each row, ``language`` numbers its language.

    - ``token``: every supervised token of the batch counts the same, 1 / Σ supervised;
    - ``row``: every row's mean counts the same, 1 / (rows · supervised of the row);
    - ``language``: every language of the batch counts the same, and within a language every
      token, 1 / (languages · supervised of the language).

    Rows without supervised tokens weigh nothing. All are zero where no row has any.
    """
    has = supervised > 0
    if rule == "token":
        return np.where(has, 1.0 / max(int(supervised.sum()), 1), 0.0)
    if rule == "row":
        return np.where(has, 1.0 / (max(int(has.sum()), 1) * np.maximum(supervised, 1)), 0.0)
    per_language = np.bincount(language, weights=supervised)
    present = max(int((per_language > 0).sum()), 1)
    return np.where(has, 1.0 / (present * np.maximum(per_language[language], 1.0)), 0.0)
