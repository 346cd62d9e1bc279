// Uses the kernel in JupyterLab with headless Chromium as a person does: a notebook from the launcher,
// cells, completion, tooltip, progress bar, chart, interrupt, restart, input, a notebook that is not
// trusted. Nothing may be asked from outside this machine.
// Usage: node kernel.js URL FOLDER_FOR_SCREENSHOTS
const { open } = require('./page');
const { check, until, Notebook } = require('./notebook');

const [url, shots] = process.argv.slice(2);

const CHART = `import "github.com/fastnb/go/plotting"
plotting.Lines(plotting.LineOpts{XLabel: "step", YLabel: "loss", Series: []plotting.Series{
	{Name: "train", X: []float64{0, 1, 2, 3}, Y: []float64{4, 2.5, 1.5, 1}},
	{Name: "valid", X: []float64{0, 1, 2, 3}, Y: []float64{4.2, 2.8, 2, 1.75}}}})`;
const PROGRESS = `bar := cell.NewProgress("counting", 30)
for range 30 {
	bar.Add(1)
	time.Sleep(100 * time.Millisecond)
}
bar.Done()`;
const HEATMAP = `plotting.Heatmap(plotting.HeatmapOpts{Title: "Confusion matrix", XLabel: "Predicted", YLabel: "Actual",
	X: []string{"cat", "dog", "owl"}, Y: []string{"cat", "dog", "owl"}, Z: [][]float64{{50, 3, 1}, {4, 25, 6}, {0, 2, 44}}})`;
const TABLE = `plotting.HTMLTable([]string{"epoch", "train_loss", "valid_loss", "accuracy", "time"},
	[][]string{{"0", "0.693147", "0.512345", "0.750000", "00:12"}, {"1", "0.412345", "0.398765", "0.875000", "00:11"}})`;

async function launch(nb) {
  await nb.page.goto(`${url}/lab?reset`, { waitUntil: 'domcontentloaded' });
  await nb.page.locator('.jp-LauncherCard[data-category="Notebook"]', { hasText: 'Go' }).click();
  await nb.editor(0).waitFor();
}

async function runCell(nb) {
  await nb.write(0, '6 * 7');
  // JupyterLab ignores a cell that is run while a new notebook has no kernel yet.
  await until(nb.page, 'the notebook has a kernel', async () => {
    await nb.page.keyboard.press('Control+Enter');
    return /\[[*\d]/.test(await nb.prompt(0));
  });
  await nb.finished(0);
  await nb.page.keyboard.press('Shift+Enter');
  await nb.code(1).waitFor();
  await nb.finished(0);
  check((await nb.text(0)).includes('42'), `6 * 7 shows ${JSON.stringify(await nb.text(0))}`);
  check(await nb.code(0).locator('.cm-line span').count() > 0, 'the code is not highlighted');
}

async function completion(nb) {
  await nb.write(1, 'import "strings"\nshout := strings.');
  await nb.page.keyboard.press('Tab');
  const popup = nb.page.locator('.jp-Completer:visible');
  await popup.getByText('ToUpper', { exact: true }).waitFor();
  await shot(nb.page, 'completion');
  await nb.page.keyboard.type('ToUpp');
  await until(nb.page, 'the completions of ToUpp', async () => (await popup.locator('.jp-Completer-item').count()) <= 2);
  await nb.page.keyboard.press('Enter');
  await until(nb.page, 'the completion in the cell', async () => (await nb.editor(1).innerText()).includes('shout := strings.ToUpper'));
}

async function tooltip(nb) {
  if (!(await nb.editor(1).innerText()).trim().endsWith('(')) await nb.page.keyboard.insertText('(');
  await nb.page.keyboard.press('Shift+Tab');
  const tip = nb.page.locator('.jp-Tooltip:visible');
  await tip.getByText('func ToUpper').waitFor();
  await shot(nb.page, 'tooltip');
  await nb.page.keyboard.press('Escape');
  await tip.waitFor({ state: 'detached' });
  await nb.page.keyboard.insertText('"abc")');
  await nb.page.keyboard.press('Enter');
  await nb.page.keyboard.insertText('shout');
  await nb.page.keyboard.press('Shift+Enter');
  await nb.finished(1);
  check((await nb.text(1)).includes('ABC'), `ToUpper gives ${await nb.text(1)}`);
}

// watch notes every value of a progress bar in the output of a cell and the most outputs at one time.
async function watch(nb, i) {
  await nb.code(i).evaluate((element) => {
    const seen = { values: [], most: 0 };
    window.fastnbSeen = seen;
    new MutationObserver(() => {
      const bars = element.querySelectorAll('.jp-OutputArea progress');
      seen.most = Math.max(seen.most, bars.length);
      bars.forEach((b) => { if (seen.values[seen.values.length - 1] !== b.value) seen.values.push(b.value); });
    }).observe(element, { subtree: true, childList: true, attributes: true });
  });
  return () => nb.page.evaluate(() => window.fastnbSeen);
}

async function progress(nb) {
  const seen = await watch(nb, 2);
  await nb.start(2, PROGRESS);
  await until(nb.page, 'a bar that moves', async () => (await seen()).values.length > 2);
  await shot(nb.page, 'progress');
  await nb.finished(2);
  const { values, most } = await seen();
  check(values.length >= 4 && values.every((v, k) => k === 0 || v > values[k - 1]), `the bar showed ${values}`);
  check(values[values.length - 1] === 30, `the bar ends at ${values[values.length - 1]} of 30`);
  check(most === 1 && await nb.count(2, '.jp-OutputArea-child') === 1, `${most} bars in place of one`);
}

async function hover(nb, i, words) {
  await nb.output(i).locator('canvas').first().waitFor();
  await nb.output(i).scrollIntoViewIfNeeded();
  const box = await nb.output(i).locator('canvas').first().boundingBox();
  const tip = nb.output(i).locator('.fastnb-chart > div').last();
  await until(nb.page, `the chart of cell ${i} names what is under the pointer`, async () => {
    await nb.page.mouse.move(box.x + box.width * 0.48 + 4 * Math.random(), box.y + box.height * 0.5);
    return words.test(await tip.innerText()) && await tip.isVisible();
  });
}

async function chart(nb) {
  await nb.run(3, CHART);
  await hover(nb, 3, /train[\s\S]*valid/);
  await shot(nb.page, 'chart');
}

async function interrupt(nb) {
  await nb.start(4, 'fmt.Println("spinning")\nfor {}');
  await nb.shows(4, 'spinning');
  await nb.command('interrupt-kernel');
  await until(nb.page, 'the loop stops', async () => /\[\d+\]/.test(await nb.prompt(4)));
  check(/interrupt/i.test(await nb.text(4)), `an interrupted cell shows ${await nb.text(4)}`);
  await nb.run(5, 'shout + "!"');
  check((await nb.text(5)).includes('ABC!'), `after the interrupt a cell shows ${await nb.text(5)}`);
  await shot(nb.page, 'interrupt');
}

async function input(nb) {
  await nb.start(6, 'name := cell.Input("Who? ")\nfmt.Println("hello", name)');
  await answer(nb, 6, 'Gopher');
  await nb.finished(6);
  check((await nb.text(6)).includes('hello Gopher'), `the cell that asks shows ${await nb.text(6)}`);
}

async function answer(nb, i, text) {
  const field = nb.output(i).locator('input.jp-Stdin-input');
  await field.waitFor();
  check((await nb.text(i)).includes('Who?'), 'the question is not shown');
  await shot(nb.page, 'input');
  await field.fill(text);
  await field.press('Enter');
}

async function dark(nb) {
  await nb.run(7, HEATMAP);
  await nb.run(8, TABLE);
  await nb.page.locator('.lm-MenuBar-item', { hasText: 'Settings' }).click();
  await nb.page.locator('.lm-Menu-item', { hasText: 'Theme' }).first().hover();
  await nb.page.locator('.lm-Menu-item', { hasText: /^JupyterLab Dark$/ }).click();
  await nb.page.locator('body[data-jp-theme-light="false"]').waitFor({ state: 'attached' });
  await hover(nb, 7, /\d/);
  await nb.output(8).scrollIntoViewIfNeeded();
  await shot(nb.page, 'dark');
}

// The loop that has no end is made empty first.
async function restart(nb) {
  await nb.editor(4).click();
  await nb.page.keyboard.press('Control+a');
  await nb.page.keyboard.insertText('fmt.Println("a new kernel:", len(os.Args) > 0)');
  await nb.command('restart-run-all');
  await nb.page.locator('.jp-Dialog .jp-mod-accept').click();
  await answer(nb, 6, 'again');
  for (let i = 0; i <= 8; i++) {
    await until(nb.page, `cell ${i} has run as number ${i + 1}`, async () => (await nb.prompt(i)).includes(`[${i + 1}]`));
    await nb.finished(i);
  }
  await nb.shows(4, 'a new kernel: true');
  await nb.shows(6, 'hello again');
  await nb.output(7).locator('canvas').first().waitFor();
}

// save keeps the notebook and gives its content as it is on disk.
async function save(nb) {
  await nb.page.keyboard.press('Control+s');
  const prompt = /\d+/.exec(await nb.prompt(3))[0];
  const rename = nb.page.locator('.jp-Dialog .jp-mod-accept'); // asked at the first save: the name stays
  return until(nb.page, 'the notebook is saved', async () => {
    if (await rename.isVisible()) await rename.click();
    return nb.page.evaluate(async (count) => {
      const file = await (await fetch('/api/contents/Untitled.ipynb')).json();
      return String(file.content.cells[3]?.execution_count) === count && file.content;
    }, prompt);
  });
}

async function reload(nb, notebook) {
  await nb.page.goto(`${url}/lab/tree/${notebook}?reset`, { waitUntil: 'domcontentloaded' });
  await nb.code(8).waitFor();
}

// A cell with a chart runs again; the page is loaded again while the kernel
// lives on; a cell runs in the new page.
async function reopen(nb) {
  await nb.editor(3).click();
  await nb.page.keyboard.press('Control+Enter');
  await until(nb.page, 'cell 3 has run again', async () => (await nb.prompt(3)).includes('[10]'));
  await save(nb);
  await reload(nb, 'Untitled.ipynb');
  for (const i of [3, 7]) await hover(nb, i, /\d/);
  await nb.editor(3).click();
  await nb.page.keyboard.press('Control+Enter');
  await until(nb.page, 'cell 3 has run in the new page', async () => (await nb.prompt(3)).includes('[11]'));
  await hover(nb, 3, /train[\s\S]*valid/);
  await shot(nb.page, 'reopened');
}

// As somebody else's notebook comes: the same cells and outputs, without trust.
async function untrusted(nb) {
  const content = await save(nb);
  content.cells.forEach((c) => { delete c.metadata.trusted; });
  content.metadata.from = 'elsewhere';
  const status = await nb.page.evaluate(async (body) => {
    const token = /_xsrf=([^;]*)/.exec(document.cookie);
    const answer = await fetch('/api/contents/elsewhere.ipynb', { method: 'PUT', body, headers: { 'Content-Type': 'application/json', 'X-XSRFToken': token ? token[1] : '' } });
    return answer.status;
  }, JSON.stringify({ type: 'notebook', format: 'json', content }));
  check(status < 300, `the copy could not be written: status ${status}`);
  await reload(nb, 'elsewhere.ipynb');
  for (const i of [3, 7]) {
    const picture = nb.output(i).locator('img').first();
    await picture.waitFor();
    await until(nb.page, `the picture of cell ${i}`, () => picture.evaluate((p) => p.complete && p.naturalWidth > 0));
    check(await nb.count(i, 'canvas') === 0, `a script ran in a notebook that is not trusted (cell ${i})`);
  }
  check(await nb.count(8, 'table tr') === 3, 'the table of a notebook that is not trusted');
  await nb.output(3).scrollIntoViewIfNeeded();
  await shot(nb.page, 'untrusted');
}

async function shot(page, name) {
  await page.screenshot({ path: `${shots}/${name}.png` });
}

async function main() {
  const { browser, page, outside, pageErrors } = await open({ width: 1200, height: 1100 });
  const nb = new Notebook(page);
  let step = '';
  try {
    for (const f of [launch, runCell, completion, tooltip, progress, chart, interrupt, input, dark, restart, reopen, untrusted]) {
      step = f.name;
      const start = Date.now();
      await f(nb);
      console.log(`${step}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
    }
    step = 'whole';
    check(outside.length === 0, `asked from outside: ${outside.slice(0, 5)}`);
    check(pageErrors.length === 0, `scripts of the page failed: ${pageErrors.slice(0, 5)}`);
  } catch (e) {
    await shot(page, 'failure').catch(() => {});
    throw new Error(`browser test, ${step}: ${e.message} (screenshot ${shots}/failure.png)`);
  } finally {
    await browser.close();
  }
}

main().catch((e) => { console.error(e.message); process.exit(1); });
