"""Printing where the terminal can't show every sign: the package does it when it is imported."""

from autograd_lite.console import print_what_can_be_shown as print_what_can_be_shown
