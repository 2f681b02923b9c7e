"""What a folder of made videos says about itself: `made.json` and `LICENCES.md`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from soundsieve.datasets.made_videos import FORMAT, MANIFEST
from soundsieve.errors import OutputError
from soundsieve.recipes.clips import package_version
from soundsieve.recipes.watch.plan import VERSION, MadeSettings, Material, Plan, decide


def describe(plan: Plan, duration_s: float) -> dict[str, Any]:
    """Return what stands in `made.json` about a video."""
    things = [
        {
            "object": thing.label,
            "track": thing.track if thing.source else None,
            "level_db": round(thing.level_db, 2) if thing.source else None,
            "picture": thing.picture and {"name": thing.picture.name, "licence": thing.picture.licence},
            "sound": thing.source
            and {"name": thing.source.name, "package": thing.source.package, "licence": thing.source.licence},
        }
        for thing in plan.things
    ]
    return {
        "name": plan.name,
        "part": plan.part,
        "duration_s": duration_s,
        "seen": sorted(thing.label for thing in plan.things if thing.picture),
        "heard": sorted(thing.track for thing in plan.heard),
        "layout": "side by side" if plan.side_by_side else "one after another",
        "things": things,
    }


def claim(
    out: Path, seed: int, settings: MadeSettings, found: Mapping[str, Material], plans: Sequence[Plan]
) -> list[Plan]:
    """Write what the videos of a folder have in common and what each is, or see that it is the same.

    Returns:
        The plans of all videos of the folder: those given, and those it was promised before.

    Raises:
        OutputError: when the folder holds something else or videos of other settings, or cannot be written.
    """
    common = {
        "format": FORMAT,
        "version": VERSION,
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
        "pictures": {part: [p.name for ps in m.pictures.values() for p in ps] for part, m in found.items()},
        "sounds": {part: [s.name for ss in m.sources.values() for s in ss] for part, m in found.items()},
    }
    path, more = out / MANIFEST, 0
    try:
        if path.is_file():
            theirs = json.loads(path.read_text(encoding="utf-8"))
            changed = [key for key in common if not isinstance(theirs, dict) or theirs.get(key) != common[key]]
            if changed:
                raise OutputError(
                    f"{out}: holds videos made with other settings ({', '.join(changed)}); choose another folder"
                )
            more = max(0, len(theirs["videos"]) - len(plans))
        elif out.exists() and any(out.iterdir()):
            raise OutputError(f"{out}: holds something else than made videos; choose another folder")
        out.mkdir(parents=True, exist_ok=True)
        rest = [decide(len(plans) + number, seed, settings, found) for number in range(more)]
        everything = [*plans, *rest]
        rows = [describe(plan, settings.duration_s) for plan in everything]
        text = json.dumps({**common, "videos": rows}, indent=1, ensure_ascii=False) + "\n"
        partial = path.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(f"{path}: {error}") from None
    return everything


def write_licences(out: Path, packages: Path, plans: Sequence[Plan]) -> None:
    """Write `LICENCES.md`: whose pictures and recordings the videos are made from, and in how many each is.

    Raises:
        OutputError: when it cannot be written.
    """
    used: dict[str, Counter[tuple[str, str, str]]] = {"pictures": Counter(), "sounds": Counter()}
    for plan in plans:
        for thing in plan.things:
            if thing.picture:
                used["pictures"][thing.picture.package, thing.picture.name, thing.picture.licence] += 1
            if thing.source:
                used["sounds"][thing.source.package, thing.source.name, thing.source.licence] += 1
    lines = ["# Where these videos come from"]
    for kind, counts in used.items():
        lines += [
            "",
            f"## {kind.capitalize()}",
            "",
            "| from | version | name | licence | videos |",
            "|---|---|---|---|---|",
        ]
        for (package, name, licence), videos in sorted(counts.items()):
            version = package_version(packages, package)
            lines.append(f"| {package} | {version} | {name} | {licence} | {videos} |")
    try:
        (out / "LICENCES.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out}: {error.strerror or error}") from None
