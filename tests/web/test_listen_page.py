"""The listening page in a real browser, which clicks through a whole test by itself."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from rated_stems import write_stems
from soundsieve.evaluation.listening_material import find_material
from soundsieve.evaluation.ratings import Rating, RatingsFile
from soundsieve.web.listen import ListeningServer
from soundsieve.web.listening_session import ListeningSettings, ListeningTest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# What a listener does: begin, listen to each version until it may be rated, rate it, go on. Before that, what must not
# work yet is tried. The rating given is that of the place, and one more in the second trial.
CLICKS = """
<script>
const until = async what => { while (!what()) await new Promise(go => setTimeout(go, 20)); };
const press = key => dispatchEvent(new KeyboardEvent("keydown", {key}));
addEventListener("load", async () => {
  $("name").value = "Vera";
  $("start").click();
  for (let number = 1; number <= 2; number++) {
    await until(() => !$("trial").hidden && trial.trial === number && !$("play").disabled);
    for (const [place, row] of rows.entries()) {
      const value = place + 1 + (number > 1);
      if (place === 0) press(String(value));  // nothing has been heard: not taken
      if (row.rating || !$("next").disabled || !row.scale.disabled) return;
      if (number % 2) row.element.querySelector("button").click(); else press(row.label.toLowerCase());
      await until(() => !row.scale.disabled);
      if (number % 2) row.element.querySelector(`input[value="${value}"]`).click(); else press(String(value));
    }
    $("next").click();
  }
});
</script>
"""


# What a listener sees whose page is of an earlier plan: the sentence, and the trial as it is now, not yet rated. The
# token stands in for the plan. Having seen that, the second time they send what they rated.
OUTDATED = """
<script>
const until = async what => { while (!what()) await new Promise(go => setTimeout(go, 20)); };
const rateAll = async () => {
  await until(() => !$("trial").hidden && !$("play").disabled);
  for (const row of rows) {
    row.element.querySelector("button").click();
    await until(() => !row.scale.disabled);
    row.element.querySelector('input[value="7"]').click();
  }
};
addEventListener("load", async () => {
  $("name").value = "Vera";
  $("start").click();
  await rateAll();
  const old = trial;
  trial.token = "0".repeat(32);
  $("next").click();
  await until(() => trial !== old);
  if ($("alert").hidden || !$("alert").textContent.includes("the test has changed since this page was loaded")) return;
  if (rows.some(row => row.rating)) return;
  await rateAll();
  $("next").click();
});
</script>
"""


def visit(tmp_path: Path, script: str, trials: int) -> list[Rating]:
    """Let a browser run a script on the page until the listener has finished, and return what was saved."""
    folder, done = write_stems(tmp_path / "stems"), threading.Event()
    ratings = RatingsFile(folder / "ratings.csv")
    settings = ListeningSettings(excerpt_s=1.0, trials=trials)
    test = ListeningTest(find_material(folder), ratings, settings, finished=lambda listener: done.set())
    with ListeningServer(test) as server:
        server.page += script.encode()
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--mute-audio", "--no-first-run"]
        options += ["--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0"]
        options.append(f"--user-data-dir={tmp_path / 'profile'}")
        with subprocess.Popen(
            [str(CHROMIUM), *options, server.address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as browser:
            finished = done.wait(60)
            browser.terminate()
        server.shutdown()
    rows = ratings.read()
    assert finished, f"{len(rows)} ratings were saved"
    return rows


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome")
def test_who_sends_a_page_of_an_earlier_plan_is_told_and_rates_anew(tmp_path: Path) -> None:
    assert [row.rating for row in visit(tmp_path, OUTDATED, trials=1)] == [7, 7, 7]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome")
def test_a_whole_test_is_clicked_through_and_saved_as_clicked(tmp_path: Path) -> None:
    rows = visit(tmp_path, CLICKS, trials=2)
    assert {row.listener for row in rows} == {"Vera"}
    assert len({(row.song, row.stem) for row in rows}) == 2
    assert [row.rating for row in rows] == [1, 2, 3, 2, 3, 4]
    assert all(0.7 < row.listened_s < 10 for row in rows)
    for k in range(0, 6, 3):
        assert {row.system for row in rows[k : k + 3]} == {"alpha", "beta", "reference"}
