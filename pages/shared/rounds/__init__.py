"""The parts of the page Rounds."""
