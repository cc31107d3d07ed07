"""Quality: scores from rules, issues that close by evidence, freshness by update cycle, series still on paper."""
