"""From customers to segments: the one result type, and every method that makes one."""
