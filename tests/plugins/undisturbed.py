"""For `pytest -p`: whatever else the machine does, no case of a session waits for quiet or is measured again."""

from suites import replicates, session
from suites.measure.quiet import HostWatch

session.HostWatch = replicates.HostWatch = HostWatch.blind  # type: ignore[misc, assignment]
