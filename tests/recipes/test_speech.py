"""Speech out of packages: whose it is, clips of about four seconds, and files without a header."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from soundsieve.recipes.tag import speech

RATE_HZ = 16_000


def spoken(seconds: float, pitch_hz: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def write_g722(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="g722") as file:
        stream = file.add_stream("g722", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Eight letters in French, three names in two languages each, announcements and a silence; 1 s each."""
    root = tmp_path / "packages"
    ogg = [f"{speech.KLETTRES}/fr/alpha/a-{k}.ogg" for k in range(8)]
    ogg += [f"{speech.TUXPAINT}/animals/cat{k}_desc{tail}.ogg" for k in range(3) for tail in ("", "_ca")]
    ogg += [f"{speech.TUXPAINT}/animals/cat.ogg"]  # a cat, not its name
    for place, name in enumerate(ogg):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, spoken(1.0, 200 + 10 * place), RATE_HZ)
    for k in range(5):
        write_g722(root / speech.ASTERISK / "ru_RU_f_IvrvoiceRU" / "digits" / f"{k}.g722", spoken(1.0, 440))
    write_g722(root / speech.ASTERISK / "ru_RU_f_IvrvoiceRU" / "silence" / "1.g722", spoken(1.0, 440))
    return root


def test_a_speaker_is_a_voice_in_a_package(packages: Path) -> None:
    found = list(speech.find_speech(packages))
    assert {item.speaker for item in found} == {"klettres-fr", "tuxpaint-en", "tuxpaint-ca", "asterisk-ivrvoiceru"}
    assert len(found) == 8 + 6 + 5
    assert {item.package for item in found if "asterisk" in item.speaker} == {"asterisk-core-sounds-ru-g722"}


def test_short_recordings_follow_each_other_until_a_clip_is_long_enough(packages: Path, tmp_path: Path) -> None:
    made = speech.make_speech(packages, tmp_path / "out")
    written = sorted(clip.path.as_posix() for clip in made.clips)
    # three seconds of each name are too little for a clip
    assert written == ["speech/asterisk-ivrvoiceru/00.ogg", "speech/klettres-fr/00.ogg", "speech/klettres-fr/01.ogg"]
    for name in written:
        samples, rate = soundfile.read(tmp_path / "out" / name)
        pauses = len(samples) / rate - 4.0
        assert rate == 44_100
        assert 3 * speech.PAUSE_S[0] - 0.3 < pauses < 3 * speech.PAUSE_S[1] + 0.3
        assert np.abs(samples).max() == pytest.approx(0.7, abs=0.1)
    table = (tmp_path / "out" / "LICENCES.md").read_text()
    assert "| klettres-data | klettres-fr | GPL-2+, the KLettres team | 2 |" in table
    assert "CC-BY-3.0, Maxim Topal" in table


def test_a_header_less_file_has_its_pitch(packages: Path) -> None:
    path = packages / speech.ASTERISK / "ru_RU_f_IvrvoiceRU" / "digits" / "0.g722"
    samples, rate = speech._read_g722(path)
    spectrum = np.abs(np.fft.rfft(samples[: rate // 2]))
    assert (rate, round(len(samples) / rate, 1)) == (RATE_HZ, 1.0)
    assert np.argmax(spectrum) * 2 == pytest.approx(440, abs=4)


def test_mistakes_are_one_sentence(packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert speech.main(["--packages", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "holds none of the packages klettres-data" in capsys.readouterr().err
    assert speech.main(["--packages", str(packages), "--out", str(packages)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert speech.main(["--packages", str(packages), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == "3 clips of 2 speakers\n"
