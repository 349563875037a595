"""Who works in a workspace: users, groups, the roles that they were given, tags of projects, and the log of what they did."""
