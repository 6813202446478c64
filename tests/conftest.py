"""What holds for every room's tests."""

from hypothesis import settings

# A slow machine is no defect. Where `CI` is set, Hypothesis draws the same examples every time; that is kept.
settings.register_profile("unhurried", parent=settings(), deadline=None)
settings.load_profile("unhurried")
