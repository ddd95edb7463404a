"""No test asserts a time, so no generated example has a deadline either: a loaded machine is no fault."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
