"""What threads ask for at the same time, done together: see `Gatherer`."""

from rag.gathering.encoder import GatheringEncoder
from rag.gathering.ending import Ending
from rag.gathering.gatherer import Gatherer

__all__ = ["Ending", "Gatherer", "GatheringEncoder"]
