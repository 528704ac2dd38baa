"""Publishing: push stores and runs, pull stores, and write archives of stores."""
