/**
 * Two soft notes. Only who has switched sound on hears them, and that click is what lets a browser play any: where it
 * refuses all the same, nothing else may suffer, and nothing is left that would sound later.
 */
export function chime() {
  try {
    const audio = new AudioContext();
    setTimeout(() => audio.close(), 999);
    const volume = audio.createGain();
    volume.connect(audio.destination);
    volume.gain.setValueAtTime(0.08, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
    const note = audio.createOscillator();
    note.frequency.setValueAtTime(660, audio.currentTime);
    note.frequency.setValueAtTime(880, audio.currentTime + 0.12);
    note.connect(volume);
    note.start();
    note.stop(audio.currentTime + 0.5);
  } catch {}
}
