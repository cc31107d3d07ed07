"""The foundation under every floor: errors, the city folder, bilingual text, the clock. Knows no domain."""
