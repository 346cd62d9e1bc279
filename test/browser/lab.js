// Opens a notebook in JupyterLab with headless Chromium, runs all its cells and checks what a
// person would see: no failed cell, pictures there, charts drawn, nothing fetched from outside.
// Usage: node lab.js URL NOTEBOOK SCREENSHOT_PREFIX [SECONDS]
const { open } = require('./page');

const [url, notebook, shots, seconds] = process.argv.slice(2);
const limit = 1000 * Number(seconds || 600);

async function state(page) {
  return page.evaluate(() => {
    const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
    return {
      busy: cells.filter((c) => /\[\*\]/.test(c.querySelector('.jp-InputPrompt')?.textContent || '')).length,
      errors: [...document.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"] .ansi-red-fg')].map((e) => e.textContent.slice(0, 300)),
      images: [...document.querySelectorAll('.jp-OutputArea img')].filter((i) => i.naturalWidth > 0).length,
      canvases: document.querySelectorAll('.jp-OutputArea canvas').length,
      tables: document.querySelectorAll('.jp-OutputArea table').length,
    };
  });
}

(async () => {
  const { browser, page, outside, pageErrors } = await open({ width: 1200, height: 1400 });
  await page.goto(`${url}/lab/tree/${notebook}?reset`, { waitUntil: 'domcontentloaded' });
  await page.waitForSelector('.jp-Notebook .jp-CodeCell', { timeout: 90000 });
  await page.waitForTimeout(3000);
  await page.click('.lm-MenuBar-item:has-text("Run")');
  await page.click('.lm-Menu-item:has-text("Run All Cells") >> nth=0');
  const start = Date.now();
  let bars = new Set();
  let quiet = 0;
  let s;
  while (Date.now() - start < limit && quiet < 4) {
    await page.waitForTimeout(500);
    s = await state(page);
    quiet = s.busy === 0 ? quiet + 1 : 0;
    (await page.evaluate(() => [...document.querySelectorAll('.jp-OutputArea progress')].map((p) => p.value))).forEach((v) => bars.add(v));
  }
  await page.waitForTimeout(1500);
  // Windowed notebooks draw only what is in view: walk through the page and look at each part.
  const seen = { images: 0, canvases: 0, tables: 0 };
  const errors = new Set(s.errors);
  const box = await page.$('.jp-NotebookPanel .jp-WindowedPanel-outer') || await page.$('.jp-NotebookPanel .jp-Notebook');
  await box.evaluate((e) => { e.scrollTop = 0; });
  for (let i = 0, last = -1; i < 40; i++) {
    await page.waitForTimeout(600);
    const v = await state(page);
    for (const k of Object.keys(seen)) seen[k] = Math.max(seen[k], v[k]);
    v.errors.forEach((e) => errors.add(e));
    await page.screenshot({ path: `${shots}-${String(i).padStart(2, '0')}.png` });
    const top = await box.evaluate((e) => { e.scrollTop += 1000; return e.scrollTop; });
    if (top === last) break;
    last = top;
  }
  await page.keyboard.press('Control+s');
  await page.waitForTimeout(2000);
  await browser.close();
  const result = { seconds: Math.round((Date.now() - start) / 1000), busy: s.busy, ...seen, progressStates: bars.size, errors: [...errors], outside: outside.slice(0, 5), pageErrors: pageErrors.slice(0, 5) };
  console.log(JSON.stringify(result));
  const need = (process.env.NEED || 'images').split(',').filter((k) => !seen[k]);
  if (s.busy || errors.size || outside.length || pageErrors.length || need.length) {
    console.error('browser test failed', need.length ? `(nothing seen of: ${need})` : '');
    process.exit(1);
  }
})().catch((e) => { console.error(e); process.exit(1); });
