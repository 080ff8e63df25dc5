from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile

from rhapsode.data.speech import load_speech, read_speech
from rhapsode.errors import DataError

SPEECH = Path(__file__).parents[3] / "shared" / "data" / "speech"


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_librispeech_tells_readers_by_the_names_of_files(tmp_path: Path) -> None:
    _touch(tmp_path / "train-clean-100/103/1240/103-1240-0000.flac")
    _touch(tmp_path / "train-clean-100/103/1240/103-1240.trans.txt")
    (one,) = read_speech(tmp_path)
    assert (one.name, one.speaker) == ("train-clean-100/103/1240/103-1240-0000.flac", "103")
    assert (one.language, one.license) == ("en", "CC-BY-4.0")


def test_common_voice_is_read_in_several_languages_and_what_is_not_there_is_passed_over(tmp_path: Path) -> None:
    for language in ("de", "fr"):
        folder = tmp_path / "cv" / language
        _touch(folder / "clips" / f"common_voice_{language}_1.mp3")
        (folder / "validated.tsv").write_text(
            "client_id\tpath\tsentence\tlocale\n"
            f'ab12\tcommon_voice_{language}_1.mp3\tShe said: "Go.\t{language}\n'
            f"cd34\tcommon_voice_{language}_2.mp3\tGone.\t{language}\n"
        )
    utterances = read_speech(tmp_path)
    assert [(one.language, one.speaker) for one in utterances] == [("de", "ab12"), ("fr", "ab12")]
    assert all(one.path.is_file() for one in utterances)
    assert {one.license for one in utterances} == {"CC0-1.0"}


def test_a_list_of_ones_own_is_read_and_its_faults_are_named(tmp_path: Path) -> None:
    _touch(tmp_path / "a.opus")
    table = tmp_path / "speech.csv"
    table.write_text("path,speaker,language,seconds,licence\na.opus,ann,en,1.5,CC0-1.0\n")
    (one,) = read_speech(tmp_path)
    assert (one.path, one.name, one.speaker, one.language) == (tmp_path / "a.opus", "a.opus", "ann", "en")
    table.write_text("path,speaker\na.opus,ann\n")
    with pytest.raises(DataError, match="language"):
        read_speech(tmp_path)
    table.write_text("path,speaker,language,seconds,licence\nb.opus,ann,en,1.5,CC0-1.0\n")
    with pytest.raises(DataError, match=r"b\.opus"):
        read_speech(tmp_path)


def test_a_folder_without_speech_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"speech\.csv"):
        read_speech(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_speech(tmp_path / "gone")


@pytest.mark.skipif(not SPEECH.is_dir(), reason="the speech of ../shared/data is not here")
def test_the_speech_beside_the_project_is_read() -> None:
    utterances = read_speech(SPEECH)
    assert len(utterances) > 1000
    assert len({one.language for one in utterances}) == 14


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "empty"),
        (b"no sound at all" * 99, "not"),
        (np.zeros(8000, np.float32), "silent throughout"),
        (np.full(8000, 578, np.float32), "reach 578 times full scale"),
    ],
)
def test_a_recording_of_no_use_is_refused_by_name(
    tmp_path: Path, content: bytes | np.ndarray | None, told: str
) -> None:
    path = tmp_path / "a.wav"
    if isinstance(content, np.ndarray):
        scipy.io.wavfile.write(path, 16_000, content)
    else:
        path.write_bytes(content or b"")
    with pytest.raises(DataError, match=told) as error:
        load_speech(path)
    assert error.value.message.startswith(f"{path}: ")
