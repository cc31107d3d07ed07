"""HTML views of trust, by who uses them: checking (anybody), wallet (holders), sharing (holders and readers)."""
