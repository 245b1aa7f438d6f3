"""Tests of the gateways: each adapter against its simulator, over real HTTP."""
