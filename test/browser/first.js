// The first hour of somebody who has never seen Go, in JupyterLab with headless Chromium: a first plot, data in
// one line, a training whose chart grows, the learning-rate finder's line, what went wrong and cleaning it, an
// error, the camera, and the page of an exported notebook, in light and dark.
// Usage: node first.js URL FOLDER_FOR_SCREENSHOTS [EXPORTED_PAGE]
const { open } = require('./page');
const { check, until, Notebook } = require('./notebook');

const [url, shots, exported] = process.argv.slice(2);

async function shot(nb, name) {
  await nb.page.screenshot({ path: `${shots}/first-${name}.png` });
}

async function start(nb) {
  await nb.page.goto(`${url}/lab?reset`, { waitUntil: 'domcontentloaded' });
  await nb.page.locator('.jp-LauncherCard[data-category="Notebook"]', { hasText: 'Go' }).click();
  await nb.editor(0).waitFor();
  await nb.write(0, 'Lines(LineOpts{Title: "my first plot", XLabel: "x", YLabel: "x²", Series: []Series{{X: []float64{0, 1, 2, 3}, Y: []float64{0, 1, 4, 9}}}})');
  await until(nb.page, 'the notebook has a kernel', async () => {
    await nb.page.keyboard.press('Control+Enter');
    return /\[[*\d]/.test(await nb.prompt(0));
  });
  await nb.finished(0);
  await nb.page.keyboard.press('Shift+Enter');
  await nb.code(1).waitFor();
  await nb.output(0).locator('canvas').first().waitFor();
  await nb.theme(/^JupyterLab Light$/, true);
  await shot(nb, 'plot');
}

async function data(nb) {
  await nb.run(1, 'path := GetData("bears", OrTwin(), Tiles(36))\ndata := ImageDataBunchFromFolder(path, ValidPct(0.2), Size(48), BS(6))\ndata.Normalize(ImageNetStats)\ndata.ShowBatch(Rows(2), FigSize(5, 5))');
  await nb.output(1).locator('img').first().waitFor();
  check(/Generated data: bears/.test(await nb.text(1)), 'no banner says that the data is generated');
  await shot(nb, 'data');
}

// The chart is there, and drawn anew in its place, before the fit ends.
async function training(nb) {
  await nb.start(2, 'learn := CNNLearner(data, models.ResNet18, Metrics(Accuracy()), Pretrained(false))\nlearn.FitOneCycle(8, LR(1e-2), Callbacks(ShowGraph()))');
  const id = () => nb.output(2).locator('.fastnb-chart').first().getAttribute('id');
  await nb.output(2).locator('canvas').first().waitFor();
  const first = await id();
  const while_ = /\[\*\]/.test(await nb.prompt(2));
  await until(nb.page, 'the chart has grown', async () => (await nb.count(2, '.fastnb-chart')) === 1 && (await id()) !== first);
  await shot(nb, 'growing');
  await nb.finished(2);
  check(while_, 'the chart came when the fit was over');
  check(await nb.count(2, '.fastnb-chart') === 1, 'more than one chart of the losses');
  check(await nb.count(2, 'table tr') === 9, 'the table of epochs');
}

async function finder(nb) {
  await nb.run(3, 'learn.LRFind(NumIt(20))\nlearn.Recorder.Plot(SkipStart(1), SkipEnd(1))');
  const canvas = nb.output(3).locator('canvas').first();
  await canvas.waitFor();
  await canvas.scrollIntoViewIfNeeded();
  await nb.page.waitForTimeout(500);
  const box = await canvas.boundingBox();
  await nb.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await nb.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  const line = await nb.output(3).locator('pre[id$="-pick"]').innerText();
  check(/^learn\.FitOneCycle\(1, Slice\(\d\.\de-\d\d\)\)$/.test(line), `the line is ${line}`);
  await shot(nb, 'finder');
}

async function cleaning(nb) {
  await nb.run(4, 'cleaner := ImageCleaner(learn, 4)\ncleaner');
  const box = nb.output(4).locator('.fastnb-cleaner');
  await box.locator('img').first().waitFor();
  await until(nb.page, 'the cleaner talks to the kernel', () => box.evaluate((e) => e.classList.contains('fastnb-ready')));
  const name = (i) => box.locator('figure').nth(i).getAttribute('title');
  const wrong = (await name(0)).split(',')[0];
  const out = (await name(1)).split(',')[0];
  const other = wrong.startsWith('teddys') ? 'black' : 'teddys';
  await box.locator('select').nth(0).selectOption(other);
  await box.locator('input').nth(1).check();
  await box.locator('button').click();
  await until(nb.page, 'the cleaner has written', async () => /cleaned\.csv: 35 of 36/.test(await box.innerText()));
  await shot(nb, 'cleaner');
  await nb.run(5, 'table := ReadCSV(path.Join("cleaned.csv"))\nfor i := range table.Len() { fmt.Println(table.Row(i)[0], table.Row(i)[1]) }');
  const rows = (await nb.text(5)).split('\n');
  check(rows.includes(`${wrong} ${other}`), `${wrong} has not become ${other}: ${rows.slice(0, 3)}`);
  check(!rows.some((r) => r.startsWith(out)), `${out} is still there`);
}

async function camera(nb) {
  await nb.run(6, 'camera := Camera(func(x *Image) string { return "seen: " + x.String() })\ncamera');
  const box = nb.output(6).locator('.fastnb-camera');
  const button = box.locator('button');
  await until(nb.page, 'the camera is on', () => button.isEnabled());
  await nb.page.waitForTimeout(500);
  await button.click();
  await until(nb.page, 'the kernel has the picture', async () => /seen: Image \[3, \d+, \d+\]/.test(await box.innerText()));
  await nb.run(7, 'shot := camera.Image()\nshot');
  await nb.output(7).locator('img').first().waitFor();
  await shot(nb, 'camera');
}

async function mistake(nb) {
  await nb.start(8, 'learn.fit_one_cycle(4)');
  await nb.output(8).locator('[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]').first().waitFor();
  check(/FitOneCycle/.test(await nb.text(8)), `the error names no way out: ${await nb.text(8)}`);
  await shot(nb, 'error');
}

async function dark(nb) {
  await nb.theme(/^JupyterLab Dark$/, false);
  for (const [i, name] of [[2, 'dark-training'], [4, 'dark-cleaner'], [8, 'dark-error']]) {
    await nb.output(i).scrollIntoViewIfNeeded();
    await nb.page.waitForTimeout(400);
    await shot(nb, name);
  }
}

// The page of an exported notebook stands alone: its charts are drawn, light and dark.
async function page(nb) {
  if (!exported) return;
  await nb.page.goto(`file://${exported}`, { waitUntil: 'load' });
  for (const scheme of ['light', 'dark']) {
    await nb.page.emulateMedia({ colorScheme: scheme });
    await nb.page.locator('.fastnb-chart canvas').first().waitFor();
    await nb.page.waitForTimeout(400);
    // What a chart writes stands out from its ground.
    const ink = await nb.page.locator('.fastnb-chart canvas').first().evaluate((c) => {
      const { data } = c.getContext('2d').getImageData(0, 0, c.width, 40); // the title
      let n = 0; let sum = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) { n++; sum += data[i]; }
      return sum / n;
    });
    check(scheme === 'light' ? ink < 128 : ink > 128, `the chart's title has brightness ${ink} in ${scheme}`);
    await shot(nb, `page-${scheme}`);
  }
}

(async () => {
  const { browser, page: p, outside, pageErrors } = await open({ width: 1200, height: 1100 });
  await p.context().grantPermissions(['camera']);
  const nb = new Notebook(p);
  let step = '';
  try {
    for (const f of [start, data, training, finder, cleaning, camera, mistake, dark, page]) {
      step = f.name;
      const began = Date.now();
      await f(nb);
      console.log(`${step}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    }
    check(outside.length === 0, `asked from outside: ${outside.slice(0, 5)}`);
    check(pageErrors.length === 0, `scripts of the page failed: ${pageErrors.slice(0, 5)}`);
  } catch (e) {
    await p.screenshot({ path: `${shots}/first-failed.png` });
    console.error(`first hour, ${step}: ${e.message}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
})();
