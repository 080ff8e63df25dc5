"""Recipes: one training a file, each a dataclass of settings and a function that runs it."""

from rhapsode.require import require_torch

require_torch("training")
