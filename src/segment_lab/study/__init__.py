"""The study: its file, its tables and the door that notebooks and the command line use."""
