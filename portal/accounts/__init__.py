"""Accounts: users, sign-in, sessions, API tokens."""
