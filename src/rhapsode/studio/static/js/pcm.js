// Runs in the browser's audio thread: what is heard becomes int16 samples, a piece every 20 ms or so.
class Pcm extends AudioWorkletProcessor {
  constructor() {
    super();
    this.held = new Int16Array(1024);
    this.count = 0;
  }

  process([input]) {
    const samples = input[0];
    for (let i = 0; i < 128; i++) {
      this.held[this.count++] = Math.max(-1, Math.min(1, samples ? samples[i] : 0)) * 32767;
      if (this.count === this.held.length) {
        this.port.postMessage(this.held.buffer.slice(0));
        this.count = 0;
      }
    }
    return true;
  }
}
registerProcessor("pcm", Pcm);
