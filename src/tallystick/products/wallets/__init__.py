"""Wallets: money of an owner, filled by top-ups and spent by the merchant's systems."""
