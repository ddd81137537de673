"""Model servers: one protocol, Ollama and OpenAI-compatible servers behind it, a catalogue."""
