"""What a merchant does with each SDK, every walk in a process of its own.

A walk imports one SDK and the standard library, and nothing of ours but `walker`.
"""
