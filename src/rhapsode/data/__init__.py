"""Recordings, prepared once into a store of landmarks and sound that learning and evaluation read."""

from rhapsode.require import require_torch

require_torch("reading training data")
