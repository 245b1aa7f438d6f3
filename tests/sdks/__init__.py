"""The gateways' own public SDKs, run against the simulators and beside our adapters."""
