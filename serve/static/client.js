// The page of fastnb serve: pick, drop or paste a picture, or write a text; what the model says is drawn below.
'use strict';

const el = (id) => document.getElementById(id);
let models = [];
let picked = null;

function model() {
  return models[el('model').selectedIndex] || models[0];
}

function show(text, bad) {
  el('result-label').textContent = text;
  el('result-label').classList.toggle('bad', Boolean(bad));
}

function clear() {
  show('');
  el('bars').replaceChildren();
  const c = el('over');
  c.width = c.width;
}

// bar adds a line: a name, a part of 1 and the same in words.
function bar(name, part, words, color) {
  const li = document.createElement('li');
  const label = document.createElement('span');
  label.className = 'name';
  label.textContent = name;
  const outer = document.createElement('span');
  outer.className = 'bar';
  outer.setAttribute('role', 'presentation');
  const inner = document.createElement('span');
  inner.style.width = Math.max(0, Math.min(1, part)) * 100 + '%';
  if (color) inner.style.background = color;
  outer.append(inner);
  const num = document.createElement('span');
  num.className = 'num';
  num.textContent = words;
  li.append(label, outer, num);
  el('bars').append(li);
}

const percent = (p) => (100 * p).toFixed(1) + ' %';

async function picture(url) {
  const img = new Image();
  img.src = url;
  await img.decode();
  return img;
}

// draw lays mask or points over the picture, which is shown as the model sees it.
async function draw(a) {
  if (a.seen) {
    el('image-picked').src = a.seen;
    await el('image-picked').decode();
  }
  if (!a.size) return;
  const c = el('over');
  c.height = a.size[0];
  c.width = a.size[1];
  const g = c.getContext('2d');
  if (a.mask) {
    g.globalAlpha = 0.5;
    g.drawImage(await picture(a.mask), 0, 0);
  }
  g.globalAlpha = 1;
  for (const p of a.points || []) {
    const r = Math.max(3, c.width / 40);
    g.beginPath();
    g.arc(p.x, p.y, r, 0, 2 * Math.PI);
    g.fillStyle = '#e8352b';
    g.fill();
    g.lineWidth = r / 3;
    g.strokeStyle = '#fff';
    g.stroke();
  }
}

async function told(a) {
  if (a.probabilities) {
    show('Result = ' + (a.result || 'none of the labels'));
    for (const p of a.probabilities.slice(0, 10)) bar(p.class, p.p, percent(p.p));
  } else if (a.parts) {
    show('Result = ' + a.result);
    for (const p of a.parts) bar(p.class, p.part, percent(p.part), p.color);
  } else if (a.points) {
    show('Result = ' + a.points.map((p) => `x ${p.x.toFixed(1)}, y ${p.y.toFixed(1)}`).join('; '));
  } else {
    show('Result = ' + (a.values || []).map((v) => v.toPrecision(5)).join(', '));
  }
  await draw(a);
}

async function ask(body, headers, button) {
  const words = button.textContent;
  button.textContent = 'Analyzing...';
  button.disabled = true;
  clear();
  try {
    const r = await fetch('api/models/' + encodeURIComponent(model().name) + '/predict?seen=1', { method: 'POST', body, headers });
    const a = await r.json();
    if (!r.ok) throw new Error(a.error + (r.status === 503 ? '. The model is busy: try again in a moment.' : ''));
    await told(a);
  } catch (e) {
    show(e.message, true);
  } finally {
    button.textContent = words;
    button.disabled = false;
  }
}

function pick(file) {
  if (!file) return;
  picked = file;
  clear();
  el('upload-label').textContent = file.name || 'pasted picture';
  el('image-picked').src = URL.createObjectURL(file);
  el('preview').hidden = false;
  el('analyze-button').disabled = false;
}

function firstPicture(list) {
  return [...(list || [])].find((f) => f.type.startsWith('image/'));
}

function fit() {
  const m = model();
  const text = m.takes === 'text';
  el('text-form').hidden = !text;
  el('picture-form').hidden = text;
  el('about').textContent = (m.architecture ? m.architecture + ', ' : '') +
    (m.classes ? m.classes.length + ' classes: ' + m.classes.slice(0, 12).join(', ') + (m.classes.length > 12 ? ', ...' : '') : 'gives ' + m.gives);
  clear();
}

function listen() {
  const drop = el('drop'), input = el('file-input');
  drop.addEventListener('click', () => input.click());
  drop.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); input.click(); }
  });
  input.addEventListener('click', (e) => e.stopPropagation());
  input.addEventListener('change', () => pick(input.files[0]));
  for (const name of ['dragenter', 'dragover']) drop.addEventListener(name, (e) => { e.preventDefault(); drop.classList.add('over'); });
  for (const name of ['dragleave', 'drop']) drop.addEventListener(name, () => drop.classList.remove('over'));
  drop.addEventListener('drop', (e) => { e.preventDefault(); pick(firstPicture(e.dataTransfer.files)); });
  document.addEventListener('paste', (e) => pick(firstPicture(e.clipboardData.files)));
  el('picture-form').addEventListener('submit', (e) => {
    e.preventDefault();
    if (!picked) { show('Please choose a picture first.', true); return; }
    const form = new FormData();
    form.append('file', picked);
    ask(form, {}, el('analyze-button'));
  });
  el('text-form').addEventListener('submit', (e) => {
    e.preventDefault();
    ask(JSON.stringify({ text: el('text').value }), { 'Content-Type': 'application/json' }, e.target.querySelector('button'));
  });
  el('model').addEventListener('change', fit);
}

async function start() {
  listen();
  try {
    const r = await fetch('api/models');
    const a = await r.json();
    if (!r.ok) throw new Error(a.error);
    models = a.models;
  } catch (e) {
    show(e.message, true);
    return;
  }
  for (const m of models) el('model').append(new Option(m.name));
  el('which').hidden = models.length < 2;
  fit();
}

start();
