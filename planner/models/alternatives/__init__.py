"""Plans that are nearly as good and stand elsewhere: how many places can differ, and which."""
