"""A telephone, a dialplan and a hospital that exist only in the terminal and in the tests of flows."""
