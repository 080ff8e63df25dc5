"""The verbs of the command line: their names, what each does in a line, and where its options stand.

A verb's options are a dataclass with a method `run`. It is imported only when the verb is used: help and errors come
at once, and nothing is imported that the verb does not need.
"""

import difflib
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rhapsode.cli.errors import UsageError


@dataclass(frozen=True)
class Verb:
    """A verb.

    Attributes:
        summary: what it does.
        home: module and dataclass of its options, "module:Class"; or an object whose `parse` reads them.
    """

    summary: str
    home: str

    def options(self) -> Any:
        """Import what the verb's options are read by."""
        module, _, name = self.home.partition(":")
        return getattr(import_module(f"rhapsode.cli.{module}"), name)


SUMMARY = "Make a portrait speak: one picture and a voice become a talking-head video."
#: Groups of verbs, and what each group does. `styles` is also a verb itself.
GROUPS = {
    "train": "Train a model on your own clips.",
    "evaluate": "Score a model against real speakers.",
}
VERBS = {
    "animate": Verb("Make a portrait speak.", "animate:Animate"),
    "verify": Verb("Tell what a video says of itself, and whether it was changed.", "verify:Verify"),
    "voices": Verb("List the languages that a text is spoken in.", "voices:Voices"),
    "learn-style": Verb("Learn a style, a manner of speaking, from a clip.", "learn_style:LearnStyle"),
    "styles": Verb("List styles; or show, mix and share them.", "styles:List"),
    "styles show": Verb("Show all that is known of a style.", "styles:Show"),
    "styles mix": Verb("Make a style out of others, each with a weight.", "styles:Mix"),
    "styles rename": Verb("Rename a style of yours.", "styles:Rename"),
    "styles delete": Verb("Delete a style of yours.", "styles:Delete"),
    "styles export": Verb("Copy a style to a file, to hand it on.", "styles:Export"),
    "styles import": Verb("Check a style file, and add it to your styles.", "styles:Import"),
    "prepare": Verb("Track faces and sound of many clips, for training and evaluation.", "prepare:Prepare"),
    "train audio-encoder": Verb("Train the audio encoder on speech alone.", "train:AudioEncoder"),
    "train motion-generator": Verb(
        "Train the published Motion Generator, which turns sound into mouth and face motion.", "train:MotionGenerator"
    ),
    "train feature-generator": Verb(
        "Train the Motion Generator that ships, on features of the windowed encoder.", "train:FeatureGenerator"
    ),
    "train style-aware-generator": Verb(
        "Train Style Mapping and the Style-Aware Generator, which paint mouths.", "train:StyleAwareGenerator"
    ),
    "train head-motion": Verb("Learn head motion and the rate of blinks.", "train:HeadMotion"),
    "train voice-gate": Verb("Train the voice gate, which tells voices from music and noise.", "train:VoiceGate"),
    "train expression-basis": Verb("Learn from a face model how expressions move a face.", "train:ExpressionBasis"),
    "train head-shape": Verb("Learn from a face model which head belongs to a face.", "train:HeadShape"),
    "train furrows": Verb("Learn how expressions shade the skin.", "train:Furrows"),
    "train expression-network": Verb("Train the network that reads expressions off faces.", "train:ExpressionNetwork"),
    "train mean-face": Verb("Average resting faces to the mean face.", "train:MeanFace"),
    "train key-motions": Verb("Learn the four key motions from clips with timed words.", "train:KeyMotions"),
    "train replay": Verb("Make the replay set that styles are learnt with.", "train:Replay"),
    "evaluate motion": Verb("Score a Motion Generator next to baselines.", "evaluate:Motion"),
    "evaluate style": Verb("Score how well styles are learnt and transferred.", "evaluate:StyleTransfer"),
    "evaluate image": Verb("Score painted mouths against real frames.", "evaluate:Image"),
    "export": Verb("Export trained picture networks to ONNX.", "export:Export"),
    "bench": Verb("Measure how fast this machine is.", "bench:Bench"),
    "studio": Verb("Open the studio, a page in the browser that shows and makes all of this.", "studio:Studio"),
    "serve": Verb("Serve portraits, styles and videos over HTTP.", "serve:Serve"),
    "doctor": Verb("Check the installation, and tell how to fix it.", "doctor:Doctor"),
}


def find_verb(words: Sequence[str]) -> str:
    """Find the verb or group that a command line begins with.

    Args:
        words: what stands after `rhapsode`.

    Returns:
        A key of `VERBS` or `GROUPS`; empty for `rhapsode` itself.

    Raises:
        UsageError: the first word, or the second one of a group, is no verb.
    """
    group = ""
    for word in words[:2]:
        if word.startswith("-"):
            break
        name = f"{group} {word}".strip()
        if name not in VERBS and name not in GROUPS:
            known = members(group)
            near = difflib.get_close_matches(word, known, 1)
            raise UsageError(f"{word!r} is no verb" + (f", did you mean {near[0]!r}?" if near else ""), group)
        group = name
        if not members(group):
            break
    return group


def members(group: str) -> list[str]:
    """List the verbs of a group, or of `rhapsode` itself, without the group's name."""
    if not group:
        return list(dict.fromkeys(name.split()[0] for name in VERBS))
    return [name.split()[1] for name in VERBS if name.startswith(f"{group} ")]


def group_help(group: str) -> str:
    """Describe a group of verbs, or `rhapsode` itself, in lines of at most 80 characters."""
    prog = f"rhapsode {group}".strip()
    lines = [f"usage: {prog} VERB [OPTIONS]", "", GROUPS.get(group, SUMMARY), "", *verb_list(group), ""]
    if not group:
        lines += ["  --version  Print the version.", ""]
    return "\n".join([*lines, f"{prog} VERB --help lists the options of a verb."])


def verb_list(group: str) -> list[str]:
    """List the verbs of a group with their summaries, in lines of at most 80 characters."""
    summaries = {}
    for name in members(group):
        full = f"{group} {name}".strip()
        summaries[name] = GROUPS[full] if full in GROUPS else VERBS[full].summary
    width = max(map(len, summaries), default=0) + 4
    lines = []
    for name, summary in summaries.items():
        lines += textwrap.wrap(summary, 80, initial_indent=f"  {name}".ljust(width), subsequent_indent=" " * width)
    return lines
