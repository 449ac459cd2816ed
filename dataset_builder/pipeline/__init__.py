"""The stages of a build, and where they run. Each is a picklable function of a task number and a folder."""
