"""Learn a style from a clip: style transfer for the Motion Generator (arXiv 2303.09799, sect. 3)."""

from rhapsode.require import require_torch

require_torch("learning a style")
