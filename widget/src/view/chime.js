/** Two soft notes. Only who has switched sound on hears them, and that click is what lets a browser play any. */
export function chime() {
  const audio = new AudioContext();
  const volume = audio.createGain();
  volume.connect(audio.destination);
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
  const note = audio.createOscillator();
  note.frequency.setValueAtTime(660, audio.currentTime);
  note.frequency.setValueAtTime(880, audio.currentTime + 0.12);
  note.connect(volume);
  note.onended = () => audio.close();
  note.start();
  note.stop(audio.currentTime + 0.5);
}
