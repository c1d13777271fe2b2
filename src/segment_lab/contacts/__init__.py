"""The wing of contacts: mail, calls and visits, and whom a mailing may reach."""
