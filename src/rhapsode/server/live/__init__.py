"""Live sessions over a WebSocket: sound in, frames or an MP4 out."""
