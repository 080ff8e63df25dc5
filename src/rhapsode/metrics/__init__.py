"""Figures that compare generated motion and pictures with real ones; one family a file, free of torch."""
