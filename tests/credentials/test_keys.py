"""The key that signs: made once, kept for its owner alone, or the user's own."""

import logging
import os
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from rhapsode.credentials.keys import SigningKey, make_key, read_key, signing_key, users_key
from rhapsode.errors import OptionsError


def kept(made: SigningKey, folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    key.write_bytes(made.key)
    certificate.write_bytes(made.certificates)
    return key, certificate


def test_the_key_is_made_on_first_use_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "rhapsode"
    made = users_key(folder)
    users_key.cache_clear()
    assert users_key(folder) == made
    (file,) = folder.iterdir()
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in made.certificates


def test_without_a_place_to_keep_it_a_key_serves_this_run_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    for folder, why in ((None, "there is no home folder"), (tmp_path / "file", "cannot be kept")):
        users_key.cache_clear()
        with caplog.at_level(logging.WARNING):
            assert users_key(folder) is users_key(folder)
        (record,) = caplog.records
        assert record.code == "key-for-once" and why in record.message  # type: ignore[attr-defined]
        caplog.clear()


def test_a_key_of_ones_own_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_key()
    key, certificate = kept(made, tmp_path)
    assert signing_key(key, certificate) == made
    monkeypatch.setenv("RHAPSODE_CREDENTIALS_KEY", str(key))
    monkeypatch.setenv("RHAPSODE_CREDENTIALS_CERTIFICATE", str(certificate))
    assert signing_key() == made
    monkeypatch.delenv("RHAPSODE_CREDENTIALS_CERTIFICATE")
    with pytest.raises(OptionsError, match="go together"):
        signing_key()


def test_a_key_and_a_certificate_that_are_none_or_do_not_fit_are_refused(tmp_path: Path) -> None:
    key, certificate = kept(make_key(), tmp_path)
    certificate.write_bytes(make_key().certificates)
    with pytest.raises(OptionsError, match="not the certificate of"):
        read_key(key, certificate)
    certificate.write_text("none")
    with pytest.raises(OptionsError, match="not a key and its certificate"):
        read_key(key, certificate)
    with pytest.raises(OptionsError, match="no such file"):
        read_key(tmp_path / "nowhere.pem", certificate)
