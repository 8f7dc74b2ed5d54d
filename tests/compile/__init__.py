"""Tests of `ag.compile`: compiled functions against the functions themselves."""
