// What the pages share: asking the server, and drawing what a model says.
'use strict';

const el = (id) => document.getElementById(id);
const percent = (p) => (100 * p).toFixed(1) + ' %';

// reason is what an answer that is none says of itself.
async function reason(r) {
  try {
    return (await r.json()).error;
  } catch {
    return 'the server answered ' + r.status;
  }
}

// call asks the server; an answer that is none is an error.
async function call(path, options) {
  const r = await fetch(path, options);
  if (!r.ok) throw new Error(await reason(r) + (r.status === 503 ? '. The model is busy: try again in a moment.' : ''));
  return r;
}

const at = (model, what) => 'api/models/' + encodeURIComponent(model.name) + '/' + what;

// inWords is an answer in one line.
function inWords(a) {
  if (a.points) return a.points.map((p) => `x ${p.x.toFixed(1)}, y ${p.y.toFixed(1)}`).join('; ');
  if (a.values) return a.values.map((v) => v.toPrecision(5)).join(', ');
  return a.result || 'none of the labels';
}

// draw lays mask or points over a picture, on a canvas that covers it.
async function draw(a, c) {
  if (!a.size) return;
  let mask = null;
  if (a.mask) {
    mask = new Image();
    mask.src = a.mask;
    await mask.decode();
  }
  c.height = a.size[0];
  c.width = a.size[1];
  const g = c.getContext('2d');
  if (mask) {
    g.globalAlpha = 0.5;
    g.drawImage(mask, 0, 0);
    g.globalAlpha = 1;
  }
  for (const p of a.points || []) {
    const r = Math.max(2, c.width / 40);
    g.beginPath();
    g.arc(p.x, p.y, r, 0, 2 * Math.PI);
    g.fillStyle = '#e8352b';
    g.fill();
    g.lineWidth = r / 3;
    g.strokeStyle = '#fff';
    g.stroke();
  }
}

// bar adds a line to a list: a name, a part of 1 and the same in words.
function bar(list, name, part, words, color) {
  const span = (kind, text) => {
    const s = document.createElement('span');
    s.className = kind;
    s.textContent = text || '';
    return s;
  };
  const li = document.createElement('li');
  const outer = span('bar');
  outer.setAttribute('aria-hidden', 'true');
  const inner = document.createElement('span');
  inner.style.width = Math.max(0, Math.min(1, part)) * 100 + '%';
  if (color) inner.style.background = color;
  outer.append(inner);
  li.append(span('name', name), outer, span('num', words));
  list.append(li);
}

// bars lists the probabilities of classes, or the parts of a mask.
function bars(list, a, most) {
  list.replaceChildren();
  for (const p of (a.probabilities || []).slice(0, most)) bar(list, p.class, p.p, percent(p.p));
  for (const p of (a.parts || []).slice(0, most)) bar(list, p.class, p.part, percent(p.part), p.color);
}
