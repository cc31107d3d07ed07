"""When: working days and working hours by official notice, and nothing guessed."""
