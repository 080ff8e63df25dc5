"""Scores of what ships against real speakers: motion, styles, images, and reports of them."""

from rhapsode.require import require_torch

require_torch("an evaluation")
