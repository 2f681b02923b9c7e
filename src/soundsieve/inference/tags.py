"""What was heard in a recording, in the forms that people and programs read."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundsieve.errors import OutputError

if TYPE_CHECKING:
    from soundsieve.inference.timeline import Segment, Timeline

FORMATS = {"json": "tags.json", "csv": "tags.csv", "audacity": "labels.txt", "table": "tags.txt"}
CSV_HEADING = "file,start_s,end_s,label,score\n"


@dataclass(frozen=True, slots=True)
class Label:
    """Something heard somewhere in a recording, with its calibrated probability."""

    label: str
    score: float


@dataclass(frozen=True)
class Tags:
    """What is in a recording.

    Attributes:
        duration_s: How long it is.
        labels: What was heard in it, the surest first; `unknown` alone where it was nothing that has a name.
        segments: When, in order of time.
        file: The recording, where it was a file.
        timeline: The scores that this was made from.
        whole: Whether the recording was asked about as a whole; a table then leaves out the segments.
    """

    duration_s: float
    labels: tuple[Label, ...]
    segments: tuple[Segment, ...]
    file: Path | None = None
    timeline: Timeline | None = field(default=None, repr=False, compare=False)
    whole: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: file, duration_s, labels, segments."""
        return {
            **({} if self.file is None else {"file": str(self.file)}),
            "duration_s": round(self.duration_s, 3),
            "labels": [{"label": found.label, "score": found.score} for found in self.labels],
            "segments": [
                {"start_s": part.start_s, "end_s": part.end_s, "label": part.label, "score": part.score}
                for part in self.segments
            ],
        }

    def to_json(self) -> str:
        """Return one JSON object; no NaN, no infinity."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def to_csv(self, *, heading: bool = True) -> str:
        """Return one row a segment: file, start_s, end_s, label, score."""
        text = io.StringIO(CSV_HEADING if heading else "")
        text.seek(0, io.SEEK_END)
        rows = csv.writer(text, lineterminator="\n")
        rows.writerows([self.file or "", p.start_s, p.end_s, p.label, p.score] for p in self.segments)
        return text.getvalue()

    def to_audacity(self) -> str:
        """Return a label track for Audacity (File, Import, Labels): start, end and name, tabs between them."""
        return "".join(f"{part.start_s:.6f}\t{part.end_s:.6f}\t{part.label}\n" for part in self.segments)

    def to_table(self) -> str:
        """Return what a person reads: what is in it, and when."""
        names = ", ".join(f"{found.label} {found.score:.2f}" for found in self.labels)
        lines = [f"{self.file or 'audio'} ({_clock(self.duration_s)}): {names}"]
        lines += [
            f"  {_clock(part.start_s):>9} – {_clock(part.end_s):<9}  {part.label:<20} {part.score:.2f}"
            for part in (() if self.whole else self.segments)
        ]
        return "\n".join(lines) + "\n"

    def to_text(self, kind: str) -> str:
        """Return it in one of `FORMATS`; ends with a line feed."""
        made = {"json": self.to_json, "csv": self.to_csv, "audacity": self.to_audacity, "table": self.to_table}[kind]()
        return made if made.endswith("\n") or not made else made + "\n"

    def save(self, path: str | Path, kind: str, *, force: bool = False) -> Path:
        """Write it as one of `FORMATS`, all or nothing.

        Raises:
            OutputError: when the file is there already and `force` is not set, or cannot be written.
        """
        place = Path(path)
        if place.exists() and not force:
            raise OutputError(f"{place}: exists already; use --force to replace it")
        hidden = place.with_name(f".{place.name}.part")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            hidden.write_text(self.to_text(kind), encoding="utf-8")
            hidden.replace(place)
        except OSError as error:
            raise OutputError(f"{place}: cannot be written ({error.strerror})") from None
        return place


def _clock(seconds: float) -> str:
    """Write a time as 1:02:03.4.

    >>> _clock(3723.44), _clock(59.97)
    ('1:02:03.4', '1:00.0')
    """
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02d}" if hours else f"{minutes}"
    return f"{f'{hours}:' if hours else ''}{clock}:{rest / 10:04.1f}"
