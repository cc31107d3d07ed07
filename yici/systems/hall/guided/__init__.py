"""Guided flows (全流程指导): a few questions that end in a personal list of items, papers, days and costs."""
