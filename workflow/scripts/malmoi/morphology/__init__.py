"""Find sentences and morphemes as offsets into the text."""
