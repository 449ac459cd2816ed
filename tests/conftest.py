"""What all tests share."""

from hypothesis import settings

# Machines that test this are slow and shared: an example may take any time, and a run is the same on all of them.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")
