"""The data desk: overview, classes, uploads, runs, quarantine, quality. Thin: every change is one service call.

Who may use each page stands in its decorator; lists filter by scope in the query (`reading.access`).
"""
