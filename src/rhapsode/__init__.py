"""Rhapsode: one portrait, any voice, anyone's manner of speaking -> a talking-head video."""

__version__ = "0.1.0"
