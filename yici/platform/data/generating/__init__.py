"""generating"""
