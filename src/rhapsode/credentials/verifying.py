"""Read the Content Credentials of a file, and say in plain words whether they hold."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhapsode.credentials.signing import INPUTS, OFFLINE, load_c2pa
from rhapsode.errors import VideoError

_SOURCES = {
    "trainedAlgorithmicMedia": "made by trained models alone",
    "compositeWithTrainedAlgorithmicMedia": "made by AI: a given picture, moved and painted by trained models",
    "algorithmicMedia": "made by an algorithm that learnt from nothing",
    "digitalCapture": "recorded by a camera",
}
#: What a code of the validator means.
_FAULTS = {
    "mismatch": "picture, sound or what is said of them was changed after it was signed",
    "claimSignature": "the signature is not that of what is said",
    "outsideValidity": "the certificate was not valid at the time",
    "signingCredential": "the certificate is not one that may sign",
}


@dataclass(frozen=True)
class Credentials:
    """What a file says of itself.

    Attributes:
        valid: whether nothing was changed since it was signed.
        own: whether it was signed with this user's key.
        faults: codes of what does not hold, as C2PA names them.
        generator: program that made the file, with its version.
        made: when, as that program tells.
        source: IPTC's digital source type, an address; empty where nothing is said.
        inputs: what Rhapsode says of what the file was made of.
        signer: name in the certificate.
    """

    valid: bool
    own: bool
    faults: tuple[str, ...]
    generator: str
    made: str
    source: str
    inputs: dict[str, Any]
    signer: str

    @property
    def why(self) -> str:
        """Say why they do not hold; empty where they do."""
        if self.valid:
            return ""
        said = [text for part, text in _FAULTS.items() if any(part in fault for fault in self.faults)]
        return f"{said[0] if said else 'what is signed is damaged'} ({', '.join(self.faults)})"

    def lines(self) -> list[str]:
        """Say what they tell, line by line."""
        kind = self.source.rpartition("/")[2]
        inputs = self.inputs
        names = ("portrait", *sorted(name for name in inputs if name.startswith("voice")), "soundtrack")
        told = [
            ("made by", f"{self.generator}{f', {self.made}' if self.made else ''}"),
            ("what it is", f"{_SOURCES.get(kind, kind)} ({kind})" if kind else "not said"),
            *((name, f"SHA-256 {inputs[name]}") for name in names if inputs.get(name)),
            *(("extra photo", f"SHA-256 {one}") for one in inputs.get("extra_photos", ())),
        ]
        if inputs:
            style, strength = inputs.get("style"), inputs.get("style_strength")
            told.append(("style", f"{style}, strength {strength}" if style else "none"))
        whose = "your own key" if self.own else "a key that nobody vouches for here"
        told.append(("signed", f"by {self.signer}, with {whose}"))
        return [f"  {name:<12}{_printable(text)}" for name, text in told]


def _printable(text: str) -> str:
    """Leave out what would move the cursor or colour a terminal: what is read may be anybody's."""
    return "".join(letter for letter in text if letter.isprintable())


def verify(path: Path) -> Credentials:
    """Validate a file's Content Credentials, without the network.

    Args:
        path: a file of a kind that can hold them, such as MP4, QuickTime, GIF, PNG, JPEG or WAV.

    Raises:
        InstallationError: the library is missing.
        VideoError: no such file, a kind that holds none, or none in it.
    """
    if not path.is_file():
        raise VideoError(f"{path}: no such file", "check the path", "no-file")
    c2pa = load_c2pa()
    from rhapsode.credentials.keys import own_root

    own = own_root()
    settings = OFFLINE | ({"trust": {"user_anchors": own}} if own else {})
    try:
        context = c2pa.Context(c2pa.Settings.from_dict(settings))
        # By its ending: the library takes no names that are no UTF-8.
        with path.open("rb") as file, c2pa.Reader(path.suffix[1:].lower() or "none", file, context=context) as reader:
            told, state = json.loads(reader.json()), reader.get_validation_state()
    except c2pa.C2paError.NotSupported:
        raise VideoError(
            f"{path}: no kind of file that holds Content Credentials", "name an MP4, MOV or GIF file", "unknown-format"
        ) from None
    except c2pa.C2paError.ManifestNotFound:
        raise VideoError(
            f"{path}: there are no Content Credentials in it", "ask for the file as it was made", "no-credentials"
        ) from None
    except c2pa.C2paError as error:
        reason = str(error).splitlines()[0]
        raise VideoError(
            f"{path}: its Content Credentials cannot be read ({reason})", "ask for the file as it was made", "damaged"
        ) from None
    active = told.get("manifests", {}).get(told.get("active_manifest"), {})
    said = {one["label"].partition("__")[0]: one["data"] for one in active.get("assertions", ())}
    actions = (said.get("c2pa.actions.v2") or said.get("c2pa.actions") or {}).get("actions") or [{}]
    maker = (active.get("claim_generator_info") or [{}])[0]
    faults = [
        one["code"] for one in told.get("validation_status") or () if one["code"] != "signingCredential.untrusted"
    ]
    signed = active.get("signature_info") or {}
    return Credentials(
        valid=state in ("Valid", "Trusted") and not faults,
        own=state == "Trusted",
        faults=tuple(faults),
        generator=f"{maker.get('name', 'an unnamed program')} {maker.get('version', '')}".strip(),
        made=str(actions[0].get("when", "")),
        source=str(actions[0].get("digitalSourceType", "")),
        inputs=inputs if isinstance(inputs := said.get(INPUTS), dict) else {},
        signer=str(signed.get("common_name") or signed.get("issuer") or "somebody without a name"),
    )
