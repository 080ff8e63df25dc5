"""Live sessions of studio and server: sound in, frames or an MP4 out, over a WebSocket or WebRTC."""
