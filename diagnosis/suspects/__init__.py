"""The suspects, upstream first: where two explain one symptom, the one that comes earlier is named."""

from diagnosis.suspects import code, data, geometry, network, numerics, objective
from diagnosis.suspects.suspect import Suspect

SUSPECTS: tuple[Suspect, ...] = (
    *code.SUSPECTS,
    *data.SUSPECTS,
    *network.SUSPECTS,
    *objective.SUSPECTS,
    *numerics.OUT_OF_RANGE,
    *geometry.SUSPECTS,
    *numerics.SUSPECTS,
)
