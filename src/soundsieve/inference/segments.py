"""How much of a long recording may be worked on at once."""

from __future__ import annotations

from typing import Final

LONGEST_SEGMENT_S: Final = 3600
"""Whatever works on segments takes none that is longer."""
