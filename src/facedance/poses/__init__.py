"""Landmarks and control videos."""
