"""Time, facts and segments against libraries that do a part of it."""
