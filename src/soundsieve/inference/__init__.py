"""Long files in bounded memory: chunks around a network, what is absent silenced, the treble shared out."""
