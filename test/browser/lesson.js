// A lesson in JupyterLab with headless Chromium, cell by cell as a student reads it (Shift+Enter and a look), then
// the same tools on pictures of one's own, a mistake and its mending, and JupyterLab's own export to HTML. Every cell
// must run, show the kinds of output that are stored in the notebook, and look right in light and dark.
// Usage: node lesson.js URL LESSON OWN_NOTEBOOK OWN_PICTURES FOLDER_FOR_SCREENSHOTS
// (notebooks by their path under the server's root; OWN_PICTURES is a folder with a folder of pictures for each label)
const fs = require('fs');
const { open } = require('./page');
const { check, until, Notebook } = require('./notebook');

const [url, lesson, ownNotebook, pictures, shots] = process.argv.slice(2);

// What of an output is seen in the page, by the kind that is stored.
const SEEN = [
  [(d) => d['image/png'] || d['image/jpeg'], 'img, canvas', 'a picture or chart'],
  [(d) => /<table/.test([].concat(d['text/html'] || '').join('')), 'table', 'a table'],
];

// stored gives the cells of a notebook on disk.
async function stored(nb, name) {
  return (await (await nb.page.request.get(`${url}/api/contents/${name}`)).json()).content.cells;
}

// openNotebook opens one without the outputs that are stored in it.
async function openNotebook(nb, name) {
  await nb.page.goto(`${url}/lab/tree/${name}?reset`, { waitUntil: 'domcontentloaded' });
  await nb.cell(0).waitFor();
  await until(nb.page, 'the kernel is there', () => nb.page.locator('.jp-Notebook-ExecutionIndicator:visible[data-status="idle"]').count());
  await nb.cell(0).click();
  await until(nb.page, 'the outputs are cleared', async () => {
    await nb.menu('Edit', 'Clear Outputs of All Cells');
    await nb.page.waitForTimeout(300);
    return await nb.page.locator('.jp-Notebook:visible .jp-OutputArea-output').count() === 0;
  });
}

// walk runs the cells from..to one by one and compares what each shows with what is stored.
async function walk(nb, cells, from, to) {
  let ran = 0;
  await nb.select(from);
  for (let i = from; i < to; i++) {
    await nb.page.keyboard.press('Shift+Enter');
    if (cells[i].cell_type !== 'code') continue;
    ran++;
    await nb.finished(i, 120000);
    for (const [has, selector, what] of SEEN) {
      if (!(cells[i].outputs || []).some((o) => o.data && has(o.data))) continue;
      await until(nb.page, `cell ${i} shows ${what}`, () => nb.count(i, selector), 10000);
    }
    const broken = await nb.output(i).locator('img').evaluateAll((all) => all.filter((p) => !p.complete || !p.naturalWidth).length);
    check(broken === 0, `cell ${i} has ${broken} pictures that cannot be seen`);
  }
  return ran;
}

// both takes a screenshot of a cell in light and in dark.
async function both(nb, i, name) {
  for (const [theme, light] of [[/^JupyterLab Dark$/, false], [/^JupyterLab Light$/, true]]) {
    await nb.theme(theme, light);
    await nb.cell(i).scrollIntoViewIfNeeded();
    await nb.page.waitForTimeout(300);
    await nb.page.screenshot({ path: `${shots}/lesson-${name}-${light ? 'light' : 'dark'}.png` });
  }
}

async function walkLesson(nb) {
  const cells = await stored(nb, lesson);
  await openNotebook(nb, lesson);
  await nb.theme(/^JupyterLab Light$/, true);
  const named = { 'data.ShowBatch': 'batch', 'learn.Recorder.Plot': 'finder', 'learn.FitOneCycle': 'fit', 'learn.Recorder.PlotLosses': 'losses', 'fmt.Println(strings.Join': 'tags' };
  let ran = 0;
  let from = 0;
  const text = (c) => [].concat(c.source).join('');
  for (const [start, name] of Object.entries(named)) {
    const i = cells.findIndex((c, k) => k >= from && c.cell_type === 'code' && text(c).includes(start));
    check(i >= 0, `no cell with ${start}`);
    ran += await walk(nb, cells, from, i + 1);
    await both(nb, i, name);
    from = i + 1;
  }
  ran += await walk(nb, cells, from, cells.length);
  await both(nb, cells.length - 2, 'end');
  const all = cells.filter((c) => c.cell_type === 'code').length;
  check(ran === all, `${ran} of ${all} cells ran`);
  console.log(`${lesson}: ${ran} cells, one by one`);
}

// The lines that the notebook marks are changed for a folder of one's own.
async function own(nb) {
  const cells = await stored(nb, ownNotebook);
  const end = cells.findIndex((c, k) => k > 2 && c.cell_type === 'markdown' && /^## /.test([].concat(c.source).join('')));
  await openNotebook(nb, ownNotebook);
  const mine = [
    ['GetData(dataset, OrTwin(), Tiles(items))', `NewPath(${JSON.stringify(pictures)})`],
    ['SplitByFolder("train", "valid")', 'SplitByRandPct(0.2)'],
    ['DoFlip(false)', ''],
    ['path.Join("test")', 'path.Join("black")'],
  ];
  for (const [theirs, ours] of mine) {
    const i = cells.findIndex((c) => c.cell_type === 'code' && [].concat(c.source).join('').includes(theirs));
    check(i >= 0 && i < end, `no line to change with ${theirs}`);
    await nb.replace(i, [].concat(cells[i].source).join('').replace(theirs, ours));
  }
  await walk(nb, cells, 0, end);
  const batch = cells.findIndex((c) => [].concat(c.source).join('').includes('ShowBatch'));
  await both(nb, batch, 'own-batch');
  const said = await nb.text(cells.findIndex((c) => [].concat(c.source).join('').startsWith('src :=')));
  check(/black|grizzly|teddys/.test(said), `the labels of one's own pictures are not there: ${said}`);
  await both(nb, end - 1, 'own-prediction');
  return { cells, end };
}

// A call by its Python name fails with the way out; written as it says, it runs.
async function mistake(nb) {
  const i = nb.last;
  await nb.replace(i, 'learn.fit_one_cycle(1)');
  await nb.page.keyboard.press('Control+Enter');
  await until(nb.page, 'the mistake is told', () => nb.count(i, '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]'));
  const told = await nb.text(i);
  check(/FitOneCycle/.test(told), `the error names no way out: ${told}`);
  await both(nb, i, 'mistake');
  await nb.replace(i, 'learn.FitOneCycle(1, LR(1e-3))');
  await nb.page.keyboard.press('Control+Enter');
  await until(nb.page, 'the cell runs anew', async () => (await nb.count(i, 'table')) > 0);
  await nb.finished(i);
  await both(nb, i, 'mended');
}

// What JupyterLab writes as HTML stands alone: pictures and tables are in it. Charts are fetched when
// there is a network, and are pictures here.
async function exported(nb) {
  await nb.page.keyboard.press('Control+s');
  await nb.page.waitForTimeout(1000);
  await nb.menu('File', 'Save and Export Notebook As', 'HTML');
  const coming = new Promise((done) => { // in this window or in one that opens for it
    nb.page.on('download', done);
    nb.page.context().on('page', (p) => p.on('download', done));
  });
  // JupyterLab proposes to sanitize, which makes text of every tag that nbconvert does not know: of paragraphs, too.
  await nb.page.locator('.jp-Dialog input[type="checkbox"]').uncheck();
  await nb.page.locator('.jp-Dialog .jp-mod-accept').click();
  const download = await Promise.race([coming, nb.page.waitForTimeout(60000)]);
  check(download, 'no page was exported within 60 s');
  const file = `${shots}/lesson-export.html`;
  await download.saveAs(file);
  check(fs.statSync(file).size > 50000, `the exported page has ${fs.statSync(file).size} bytes`);
  await nb.page.goto(`file://${fs.realpathSync(file)}`, { waitUntil: 'domcontentloaded' });
  await nb.page.locator('.fastnb-chart img').first().waitFor();
  const seen = await nb.page.evaluate(() => ({
    pictures: [...document.querySelectorAll('img')].filter((p) => p.naturalWidth > 0).length,
    broken: [...document.querySelectorAll('img')].filter((p) => !p.naturalWidth).length,
    tables: document.querySelectorAll('table').length,
  }));
  check(seen.pictures > 2 && seen.tables > 2 && seen.broken === 0, `the exported page shows ${JSON.stringify(seen)}`);
  for (const scheme of ['light', 'dark']) {
    await nb.page.emulateMedia({ colorScheme: scheme });
    await nb.page.waitForTimeout(500);
    await nb.page.screenshot({ path: `${shots}/lesson-export-${scheme}.png`, fullPage: true });
  }
}

(async () => {
  const { browser, page, outside, pageErrors } = await open({ width: 1200, height: 1000 });
  const nb = new Notebook(page);
  let step = '';
  try {
    for (const f of [walkLesson, async function ownData() { nb.last = (await own(nb)).end - 1; }, mistake, exported]) {
      step = f.name;
      const began = Date.now();
      await f(nb);
      console.log(`${step}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    }
    // An exported page asks for MathJax and require.js, as nbconvert has it, and for the charts' script.
    const ours = outside.filter((u) => !/mathjax|require|echarts/i.test(u));
    check(ours.length === 0, `asked from outside: ${ours.slice(0, 5)}`);
    check(pageErrors.length === 0, `scripts of the page failed: ${pageErrors.slice(0, 5)}`);
  } catch (e) {
    await page.screenshot({ path: `${shots}/lesson-failed.png` });
    console.error(`a lesson, ${step}: ${e.message}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
})();
