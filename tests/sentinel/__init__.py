"""Failovers by real Sentinels, under write load."""
