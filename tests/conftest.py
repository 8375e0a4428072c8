"""Fixtures that several test files share; what they import is in the modules ``_*.py``."""
