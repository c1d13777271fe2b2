"""How things look: HTML, tables, pictures and formats."""
