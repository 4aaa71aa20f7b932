"""The demo project. Everything in it was written for the demo; see ``data/README.md``."""
