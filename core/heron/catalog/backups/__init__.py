"""What backups need of SQLite: a snapshot of the catalogue, and its checks before it is restored."""
