"""Tests that kill the server, fill its disk and fail its syncs, and look at what a restart finds."""
