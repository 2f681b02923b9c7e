"""What an audit found, as a report: in words on the screen, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from soundsieve.datasets import Clip
from soundsieve.datasets.audit import Finding
from soundsieve.errors import OutputError
from soundsieve.evaluation.ladder import Ladder
from soundsieve.evaluation.near_duplicates import Duplicate, Duplicates

_SHOWN = 10  # findings of one kind that are printed; the JSON has all


@dataclass(frozen=True)
class AuditReport:
    """An audit of one copy of a data set.

    Attributes:
        name: the data set.
        root: its folder; files are named relative to it.
        clips: what its table lists.
        missing: how many of them have no recording here.
        findings: from the table alone.
        duplicates: near-duplicates; None where they were not looked for.
        ladder: scores under each way to divide; None where it was not asked for.
        notes: what was not done, and why.
    """

    name: str
    root: Path
    clips: Sequence[Clip]
    missing: int
    findings: Sequence[Finding]
    duplicates: Duplicates | None
    ladder: Ladder | None
    notes: tuple[str, ...] = ()

    @property
    def crossing_pairs(self) -> list[Duplicate]:
        """Near-duplicates that the table calls two sources, so a split by source may divide them."""
        pairs = self.duplicates.pairs if self.duplicates else ()
        return [pair for pair in pairs if pair.first.group != pair.second.group]

    @property
    def conflicts(self) -> list[Duplicate]:
        """Near-duplicates under different labels."""
        pairs = self.duplicates.pairs if self.duplicates else ()
        return [pair for pair in pairs if pair.first.labels != pair.second.labels]

    @property
    def ok(self) -> bool:
        """Whether no fault was found."""
        return not (self.crossing_pairs or self.conflicts or any(f.severity == "fault" for f in self.findings))

    def to_json(self) -> dict[str, Any]:
        """Plain values; `duplicates` and `ladder` are None where they were not asked for."""
        parts = Counter(clip.part for clip in self.clips)
        found = self.duplicates
        return {
            "dataset": self.name,
            "ok": self.ok,
            "recordings": len(self.clips),
            "missing": self.missing,
            "sources": len({clip.group for clip in self.clips}),
            "labels": len({label for clip in self.clips for label in clip.labels}),
            "parts": dict(sorted(parts.items())),
            "findings": [asdict(finding) for finding in self.findings],
            "duplicates": found and {
                "pairs": [self._pair(pair) for pair in found.pairs],
                "sparse": [self._file(clip) for clip in found.sparse],
                "unreadable": [{"file": self._file(clip), "reason": reason} for clip, reason in found.unreadable],
            },
            "ladder": self.ladder and asdict(self.ladder),
            "notes": list(self.notes),
        }  # fmt: skip

    def save(self, path: Path, *, force: bool = False) -> None:
        """Write the report as JSON.

        Raises:
            OutputError: the file is there already and `force` is not set, or cannot be written.
        """
        check_file(path, force=force)
        temporary = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self.to_json(), indent=1, ensure_ascii=False), encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from None

    def _file(self, clip: Clip) -> str:
        inside = clip.path.is_relative_to(self.root)
        return (clip.path.relative_to(self.root) if inside else clip.path).as_posix()

    def _pair(self, pair: Duplicate) -> dict[str, Any]:
        both = {"first": pair.first, "second": pair.second}
        sides = {
            side: {"file": self._file(c), "source": c.group, "part": c.part, "labels": list(c.labels)}
            for side, c in both.items()
        }
        measured = ("similarity", "offset_s", "shared_s", "inverted")
        return {**sides, **{name: getattr(pair, name) for name in measured}}

    def render(self) -> RenderableType:
        """Return what `rich.print` shows."""
        return Group(Text("\n".join(self._lines())), *([_ladder_table(self.ladder)] if self.ladder else []))

    def _lines(self) -> list[str]:
        plain = self.to_json()
        head = (
            f"{self.name}: {plain['recordings']:,} recordings of {plain['sources']:,} sources, {plain['labels']} labels"
        )
        lines = [head + (f"; {self.missing:,} without audio here" if self.missing else "")]
        kinds: dict[str, list[Finding]] = {}
        for finding in self.findings:
            kinds.setdefault(finding.kind, []).append(finding)
        for kind, members in kinds.items():
            lines += _listed(f"{members[0].severity}: {kind}", [f"{f.subject} ({f.detail})" for f in members])
        if self.duplicates is not None:
            crossing, conflicts = self.crossing_pairs, self.conflicts
            lines += _listed("fault: near-duplicates under two sources", [self._sentence(pair) for pair in crossing])
            lines += _listed("fault: near-duplicates under two labels", [self._sentence(pair) for pair in conflicts])
            lines.append(f"near-duplicates: {len(self.duplicates.pairs)} in all")
            lines += _listed("too little sound to compare", [self._file(clip) for clip in self.duplicates.sparse])
            lines += _listed("unreadable", [reason for _, reason in self.duplicates.unreadable])
        lines += [f"note: {note}" for note in self.notes]
        return [*lines, "no fault found" if self.ok else "the published parts or labels have faults"]

    def _sentence(self, pair: Duplicate) -> str:
        first, second = pair.first, pair.second
        where = f"{self._file(first)} and {self._file(second)}"
        parts = f", {first.part} and {second.part}" if first.part != second.part else ""
        labels = f", {'+'.join(first.labels)} and {'+'.join(second.labels)}" if first.labels != second.labels else ""
        turned = ", inverted" if pair.inverted else ""
        measured = f"similarity {pair.similarity:.2f}, {pair.shared_s:.1f} s, {pair.offset_s:+.2f} s apart"
        return f"{where} ({measured}{turned}{parts}{labels})"


def check_file(path: Path, *, force: bool) -> None:
    """Refuse a report's file before the work is done.

    Raises:
        OutputError: it is a folder, or is there already and `force` is not set.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file for the report")
    if path.exists() and not force:
        raise OutputError(f"{path}: is there already; choose another file or --force")


def _listed(title: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return []
    rest = [f"  … and {len(entries) - _SHOWN} more, all of them in the JSON"] if len(entries) > _SHOWN else []
    return [f"{title}: {len(entries)}", *(f"  {entry}" for entry in entries[:_SHOWN]), *rest]


def _ladder_table(ladder: Ladder) -> Table:
    first, last = ladder.rungs[0], ladder.rungs[-1]
    drop = f"{100 * ladder.drop:.1f} [{100 * ladder.drop_low:.1f}, {100 * ladder.drop_high:.1f}] points"
    caption = (
        "leaked: tests with a clip of their own source in training\n"
        f"{first.name} minus {last.name}: {drop}\n"
        f"always the commonest label: {100 * ladder.chance:.1f} %"
    )
    if ladder.left_out:
        caption += f"\nleft out, unreadable or without exactly one label: {ladder.left_out:,}"
    table = Table(title="Ladder: nearest neighbour on cepstral means and deviations", caption=caption)
    table.title_justify = table.caption_justify = "left"
    table.box = box.SIMPLE_HEAD
    table.add_column("divided", no_wrap=True)
    for heading in ("accuracy %", "95 % interval", "leaked %", "tested"):
        table.add_column(heading, justify="right", no_wrap=True)
    for rung in ladder.rungs:
        interval = f"{100 * rung.low:.1f}–{100 * rung.high:.1f}"
        table.add_row(rung.name, f"{100 * rung.accuracy:.1f}", interval, f"{100 * rung.leaked:.1f}", f"{rung.tested:,}")
    return table
