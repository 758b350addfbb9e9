"""Find sentences and morphemes as offsets into the text, which itself stays as it is."""
