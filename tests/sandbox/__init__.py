"""Tests of the simulated gateways by themselves."""
