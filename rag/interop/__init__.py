"""The engine as parts of other frameworks, each of which is loaded by whoever asks for it."""
