// The camera page: frames go to the model one at a time, and what it says is drawn over the picture. While a frame
// is on its way the camera's other frames are dropped, so that what is drawn is never far behind.
'use strict';

const WIDTH = 320; // pixels of a frame that is sent
let models = [];
let stream = null;
let busy = false;
const pace = { sent: 0, dropped: 0, took: 0 };
const frame = document.createElement('canvas');

function model() {
  return models[el('model').selectedIndex] || models[0];
}

function say(text, bad) {
  el('result-label').textContent = text;
  el('result-label').classList.toggle('bad', Boolean(bad));
}

// shape gives the scene, and so the frames, the proportions of what the model sees, so that its places are the
// scene's. The model tells them with its first answer.
function shape(size) {
  const video = el('video');
  const ratio = size ? size[1] / size[0] : video.videoWidth / video.videoHeight || 4 / 3;
  el('scene').style.aspectRatio = String(ratio);
  frame.width = WIDTH;
  frame.height = Math.round(WIDTH / ratio);
}

// take is the middle of the camera's picture, in the scene's proportions.
function take() {
  const video = el('video'), w = video.videoWidth, h = video.videoHeight;
  const scale = Math.min(w / frame.width, h / frame.height);
  const cw = frame.width * scale, ch = frame.height * scale;
  frame.getContext('2d').drawImage(video, (w - cw) / 2, (h - ch) / 2, cw, ch, 0, 0, frame.width, frame.height);
  return new Promise((done) => frame.toBlob(done, 'image/jpeg', 0.85));
}

async function send() {
  const began = performance.now();
  const body = await take();
  const r = await fetch(at(model(), 'predict'), { method: 'POST', body, headers: { 'Content-Type': 'image/jpeg' } });
  if (r.status === 503) return; // busy: the next frame may be luckier
  if (!r.ok) throw new Error(await reason(r));
  const a = await r.json();
  if (!stream) return;
  pace.sent++;
  pace.took = 0.8 * (pace.took || performance.now() - began) + 0.2 * (performance.now() - began);
  if (a.size && Math.abs(frame.width / frame.height - a.size[1] / a.size[0]) > 0.02) {
    shape(a.size); // this frame's places are of another crop
    return;
  }
  await draw(a, el('over'));
  say(inWords(a));
  bars(el('bars'), a, 5);
  el('pace').textContent = `${pace.sent} frames answered, ${pace.dropped} dropped, ${pace.took.toFixed(0)} ms each`;
}

function tick() {
  if (!stream) return;
  el('video').requestVideoFrameCallback(tick);
  if (busy) { pace.dropped++; return; }
  busy = true;
  send().catch((e) => stop(e.message)).finally(() => { busy = false; });
}

function stop(problem) {
  if (stream) for (const t of stream.getTracks()) t.stop();
  stream = null;
  el('video').srcObject = null;
  el('over').width = el('over').width;
  el('switch').textContent = 'Start the camera';
  say(problem || '', Boolean(problem));
}

async function go() {
  if (!navigator.mediaDevices) {
    say('The browser gives the camera to pages of this machine or over https only.', true);
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: 'user' } });
  } catch (e) {
    say('No camera: ' + e.message, true);
    return;
  }
  Object.assign(pace, { sent: 0, dropped: 0, took: 0 });
  el('video').srcObject = stream;
  await el('video').play();
  shape(null);
  el('switch').textContent = 'Stop';
  el('video').requestVideoFrameCallback(tick);
}

async function start() {
  el('switch').addEventListener('click', () => (stream ? stop() : go()));
  el('model').addEventListener('change', () => { shape(null); el('bars').replaceChildren(); });
  try {
    models = (await (await call('api/models')).json()).models.filter((m) => m.takes === 'picture');
  } catch (e) {
    say(e.message, true);
    return;
  }
  if (!models.length) {
    el('switch').disabled = true;
    say('No model here takes pictures.', true);
    return;
  }
  for (const m of models) el('model').append(new Option(m.name));
  el('which').hidden = models.length < 2;
  const wanted = new URLSearchParams(location.search).get('model');
  if (models.some((m) => m.name === wanted)) el('model').value = wanted;
}

start();
