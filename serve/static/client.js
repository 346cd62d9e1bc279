// The page of fastnb serve: pick, drop or paste a picture, or write a text; what the model says is drawn below.
'use strict';

let models = [];
let flags = false;
let picked = null; // the picture
let last = null; // the answer on the page, with what was asked
let writing = null; // what stops the text that is being written

function model() {
  return models[el('model').selectedIndex] || models[0];
}

function show(text, bad) {
  el('result-label').textContent = text;
  el('result-label').classList.toggle('bad', Boolean(bad));
}

function clear() {
  show('');
  last = null;
  el('bars').replaceChildren();
  el('mattered').hidden = true;
  el('flag-form').hidden = true;
  el('flagged').textContent = '';
  el('over').width = el('over').width;
}

// weighed shows a text's words, each on a ground as strong as the word weighs.
function weighed(words) {
  el('mattered').hidden = !words;
  if (!words) return;
  el('weighed').replaceChildren(...words.flatMap((w) => {
    const m = document.createElement('mark');
    m.textContent = w.text;
    m.style.setProperty('--weight', w.weight.toFixed(3));
    m.title = percent(w.weight);
    return [m, ' '];
  }));
}

async function told(a, asked) {
  last = { answer: a, asked };
  show('Result = ' + inWords(a));
  bars(el('bars'), a, 10);
  weighed(a.words);
  if (a.seen) {
    el('image-picked').src = a.seen;
    await el('image-picked').decode();
  }
  await draw(a, el('over'));
  el('flag-form').hidden = !flags;
  el('right').value = '';
}

// waiting tells, while a request is not answered, how many stand before it.
function waiting(id) {
  const timer = setInterval(async () => {
    try {
      const q = await (await fetch('api/queue?id=' + id)).json();
      el('queue').textContent = q.before > 0 ? `The model is busy: ${q.before} before you.` : '';
    } catch { /* the request itself will tell */ }
  }, 700);
  return () => { clearInterval(timer); el('queue').textContent = ''; };
}

async function ask(body, headers, button, asked) {
  const words = button.textContent;
  const id = String(Math.random()).slice(2);
  button.textContent = 'Analyzing...';
  button.disabled = true;
  clear();
  const answered = waiting(id);
  try {
    const r = await call(at(model(), 'predict?seen=1&words=1'), { method: 'POST', body, headers: { ...headers, 'X-Request-Id': id } });
    await told(await r.json(), asked);
  } catch (e) {
    show(e.message, true);
  } finally {
    answered();
    button.textContent = words;
    button.disabled = false;
  }
}

// events reads server-sent events off an answer and gives each to f: (kind, data).
async function events(r, f) {
  const reader = r.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n\n');
    rest = parts.pop();
    for (const part of parts) {
      const kind = /^event: (.*)$/m.exec(part), data = /^data: (.*)$/m.exec(part);
      if (kind && data) f(kind[1], JSON.parse(data[1]));
    }
  }
}

// write lets a language model go on from the text, word by word.
async function write() {
  clear();
  writing = new AbortController();
  el('text-button').disabled = true;
  el('stop').hidden = false;
  const text = el('text').value;
  try {
    const r = await call(at(model(), 'generate'), {
      method: 'POST', signal: writing.signal,
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ text, words: Number(el('words').value), temperature: Number(el('temperature').value) }),
    });
    await events(r, (kind, data) => {
      if (kind === 'error') throw new Error(data.error);
      show(data.result);
      last = { answer: data, asked: { text } };
    });
    el('flag-form').hidden = !flags;
  } catch (e) {
    if (e.name !== 'AbortError') show(e.message, true);
  } finally {
    writing = null;
    el('text-button').disabled = false;
    el('stop').hidden = true;
  }
}

// flag keeps the answer on the page, with what is right.
async function flag() {
  const form = new FormData();
  const { answer, asked } = last;
  if (asked.file) form.append('file', asked.file);
  else form.append('text', asked.text);
  form.append('label', el('right').value);
  form.append('answer', inWords(answer));
  try {
    await call(at(model(), 'flag'), { method: 'POST', body: form });
    el('flagged').textContent = 'Kept. Thank you.';
  } catch (e) {
    el('flagged').textContent = e.message;
  }
}

function pick(file) {
  if (!file || el('picture-form').hidden) return;
  picked = file;
  clear();
  el('upload-label').textContent = file.name || 'pasted picture';
  el('image-picked').src = URL.createObjectURL(file);
  el('preview').hidden = false;
  el('analyze-button').disabled = false;
}

// offer shows the examples that the export carries.
function offer(m) {
  el('examples').hidden = !m.examples;
  el('examples').replaceChildren(...(m.examples || []).map((e) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'example';
    if (e.text) {
      button.textContent = e.text.length > 60 ? e.text.slice(0, 60) + '...' : e.text;
      button.addEventListener('click', () => { el('text').value = e.text; });
      return button;
    }
    const url = at(m, 'examples/' + e.number), img = document.createElement('img');
    img.src = url;
    img.alt = 'example ' + e.name;
    button.append(img);
    button.addEventListener('click', async () => {
      const file = await (await call(url)).blob();
      pick(new File([file], e.name, { type: file.type }));
    });
    return button;
  }));
}

function firstPicture(list) {
  return [...(list || [])].find((f) => f.type.startsWith('image/'));
}

function fit() {
  const m = model();
  const text = m.takes === 'text', writes = m.gives === 'text';
  if (writing) writing.abort();
  el('text-form').hidden = !text;
  el('picture-form').hidden = text;
  el('to-camera').hidden = text;
  el('to-camera').href = 'camera?model=' + encodeURIComponent(m.name);
  el('writing').hidden = !writes;
  el('text-label').textContent = writes ? 'A text to go on from' : 'Text';
  el('text-button').textContent = writes ? 'Write' : 'Analyze';
  el('classes').replaceChildren(...(m.classes || []).map((c) => new Option(c)));
  el('about').textContent = (m.architecture ? m.architecture + ', ' : '') +
    (m.classes ? m.classes.length + ' classes: ' + m.classes.slice(0, 12).join(', ') + (m.classes.length > 12 ? ', ...' : '') : 'gives ' + m.gives);
  offer(m);
  clear();
}

function listen() {
  const drop = el('drop'), input = el('file-input');
  drop.addEventListener('click', () => input.click());
  drop.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); input.click(); }
  });
  input.addEventListener('change', () => pick(input.files[0]));
  el('image-picked').addEventListener('error', () => { el('preview').hidden = true; }); // the answer says what is wrong
  for (const name of ['dragenter', 'dragover']) drop.addEventListener(name, (e) => { e.preventDefault(); drop.classList.add('over'); });
  for (const name of ['dragleave', 'drop']) drop.addEventListener(name, () => drop.classList.remove('over'));
  drop.addEventListener('drop', (e) => { e.preventDefault(); pick(firstPicture(e.dataTransfer.files)); });
  document.addEventListener('paste', (e) => pick(firstPicture(e.clipboardData.files)));
  el('picture-form').addEventListener('submit', (e) => {
    e.preventDefault();
    if (!picked) { show('Please choose a picture first.', true); return; }
    const form = new FormData();
    form.append('file', picked);
    ask(form, {}, el('analyze-button'), { file: picked });
  });
  el('text-form').addEventListener('submit', (e) => {
    e.preventDefault();
    if (model().gives === 'text') { write(); return; }
    const text = el('text').value;
    ask(JSON.stringify({ text }), { 'Content-Type': 'application/json' }, el('text-button'), { text });
  });
  el('stop').addEventListener('click', () => writing && writing.abort());
  el('flag-form').addEventListener('submit', (e) => { e.preventDefault(); if (last) flag(); });
  el('model').addEventListener('change', fit);
}

async function start() {
  listen();
  try {
    const a = await (await call('api/models')).json();
    models = a.models;
    flags = a.flags;
  } catch (e) {
    show(e.message, true);
    return;
  }
  for (const m of models) el('model').append(new Option(m.name));
  el('which').hidden = models.length < 2;
  fit();
}

start();
