"""`rhapsode train`: a verb for each training, whose options are the fields of its recipe."""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import tyro

from rhapsode.cli.fields import Plain, option
from rhapsode.cli.parsing import parse
from rhapsode.cli.progress import ProgressDisplay
from rhapsode.require import require_torch


@dataclass(frozen=True)
class Run:
    """A training that was asked for.

    Attributes:
        train: runs a recipe.
        recipe: every setting.
        output: how the verb reports.
    """

    train: Callable[..., Path]
    recipe: Any
    output: Plain

    def run(self) -> None:
        """Train, and print where the result is."""
        with ProgressDisplay(shown=True) as progress:
            result = self.train(self.recipe, progress)
        print(f"{result}: written")


@dataclass(frozen=True)
class TrainVerb:
    """A verb that trains.

    Attributes:
        name: key of `rhapsode.training.recipes.TRAININGS`.
    """

    name: str

    def parse(self, prog: str, words: Sequence[str]) -> Run:
        """Read the options of the training.

        Args:
            prog: the command, such as `rhapsode train replay`.
            words: options and their values.

        Raises:
            InstallationError: PyTorch, which recipes need, is not installed.
            UsageError: an unknown option, or a value that is missing or not understood.
        """
        require_torch("rhapsode train")
        from rhapsode.training.recipes import TRAININGS

        training = TRAININGS[self.name]
        names = [one.name for one in fields(training.recipe)]
        values = {one.name: _default(one) for one in fields(training.recipe)}
        values |= training.configs.get(_config(words), {})
        recipe = _without_prefixes(training.recipe)
        parts: list[Any] = [("recipe", Annotated[recipe, option(name="")])]
        description = training.help
        if len(training.configs) > 1:
            config: Any = Annotated[Literal[tuple(training.configs)], option("NAME")]
            parts.append(("config", config, field(default="default")))
            named = " or ".join(training.configs)
            description += (
                f"\n\nWith --config ({named}) the other options have other defaults; paper: full size, for GPUs."
            )
        parts.append(("output", Annotated[Plain, option(name="")], field(default=Plain())))
        kind = make_dataclass("Options", parts, frozen=True)
        options: Any = parse(kind, prog, words, description, kind(recipe(**values)))
        chosen = training.recipe(**{name: getattr(options.recipe, name) for name in names})
        return Run(training.run, chosen, options.output)


AudioEncoder = TrainVerb("audio-encoder")
MotionGenerator = TrainVerb("motion-generator")
FeatureGenerator = TrainVerb("feature-generator")
StyleAwareGenerator = TrainVerb("style-aware-generator")
HeadMotion = TrainVerb("head-motion")
VoiceGate = TrainVerb("voice-gate")
ExpressionBasis = TrainVerb("expression-basis")
HeadShape = TrainVerb("head-shape")
Furrows = TrainVerb("furrows")
ExpressionNetwork = TrainVerb("expression-network")
MeanFace = TrainVerb("mean-face")
KeyMotions = TrainVerb("key-motions")
Replay = TrainVerb("replay")


def _default(one: "Field[Any]") -> Any:
    if one.default is not MISSING:
        return one.default
    return tyro.MISSING if one.default_factory is MISSING else one.default_factory()


def _config(words: Sequence[str]) -> str:
    """Find the configuration that a command line names; its values are the defaults of all other options."""
    chosen = "default"
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == "--config":
            chosen = value if equals else following
    return chosen


def _without_prefixes(recipe: type[Any]) -> type[Any]:
    """Derive a recipe whose loop has options without a prefix (--steps), and whose lists of files are repeatable."""
    hints = get_type_hints(recipe, include_extras=True)
    changed: list[Any] = []
    for one in fields(recipe):
        declared = hints[one.name]
        if one.name == "loop":
            kind: Any = Annotated[declared, option(name="")]
        elif declared == tuple[Path, ...]:
            kind = Annotated[declared, tyro.conf.UseAppendAction]
        else:
            continue
        default = one.default if one.default_factory is MISSING else field(default_factory=one.default_factory)
        changed.append((one.name, kind) if default is MISSING else (one.name, kind, default))
    return make_dataclass(recipe.__name__, changed, bases=(recipe,), frozen=True)
