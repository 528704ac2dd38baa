"""Search of queries in rows, and the processes that rows begin and end."""
