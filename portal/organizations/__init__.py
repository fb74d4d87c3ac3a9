"""Organizations: profiles, memberships, invitations, claims."""
