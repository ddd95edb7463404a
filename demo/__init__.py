"""A sample hospital and simulated telephones: `make demo`, and the telephones of the e2e tests."""
