"""Activation over graphs against libraries that rank nodes."""
