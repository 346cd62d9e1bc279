// Uses the pages of fastnb serve with headless Chromium as a person does: pictures chosen, dropped and pasted, masks,
// points, texts, a language model that writes, flags, the camera (Chromium's fake one), the page of calls; by keyboard,
// on a phone, in the dark. Nothing may be asked from outside this machine. axe-core looks for what keeps people out.
// Usage: node serve.js URL FOLDER_FOR_SCREENSHOTS FOLDER_OF_FLAGS; the server has the models of serve's tests
// (colours, labels, masks, points, texts, writer) and --flag.
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');
const { open } = require('./page');
const { check, until } = require('./notebook');

const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const [url, shots, flags] = process.argv.slice(2);
const red = [200, 30, 20];

// png is a picture of one colour with a light square, as a file.
function png(side, [r, g, b]) {
  const raw = Buffer.alloc(side * (1 + 3 * side));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const light = x >= side / 4 && x < side / 2 && y >= side / 4 && y < side / 2;
      raw.set(light ? [250, 250, 250] : [r, g, b], y * (1 + 3 * side) + 1 + 3 * x);
    }
  }
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const n = Buffer.alloc(4), crc = Buffer.alloc(4);
    n.writeUInt32BE(data.length);
    crc.writeUInt32BE(zlib.crc32(body) >>> 0);
    return Buffer.concat([n, body, crc]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]);
}

const picture = { name: 'red.png', mimeType: 'image/png', buffer: png(120, red) };

let where = ''; // in front of the screenshots' names
const shot = (page, name) => page.screenshot({ path: path.join(shots, `serve-${where}${name}.png`), fullPage: true });
const result = (page) => page.locator('#result-label').textContent();

async function answered(page, what) {
  await until(page, what, async () => (await result(page)).startsWith('Result = '));
  return result(page);
}

// drawn counts the pixels of the canvas over the picture that are not clear.
const drawn = (page) => page.evaluate(() => {
  const c = document.getElementById('over');
  if (!c.width || !c.height) return 0;
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let n = 0;
  for (let i = 3; i < d.length; i += 4) n += d[i] > 0;
  return n;
});

async function accessible(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
  check(!found.violations.length, `${what}: axe-core: ${JSON.stringify(found.violations.map((v) => [v.id, v.nodes.map((n) => n.target)]))}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(wide <= 0, `${what}: the page is ${wide} pixels wider than the window`);
}

async function choose(page, name) {
  await page.goto(url);
  await page.getByLabel('Model', { exact: true }).selectOption(name);
}

async function colours(page) {
  await choose(page, 'colours');
  check(await page.locator('#analyze-button').isDisabled(), 'there is nothing to analyze yet');
  const chooser = page.waitForEvent('filechooser');
  await page.locator('#drop').focus();
  await page.keyboard.press('Enter'); // by keyboard alone
  await (await chooser).setFiles(picture);
  check((await page.locator('#upload-label').textContent()) === 'red.png', 'the file is not named');
  await page.getByRole('button', { name: 'Analyze' }).press('Enter');
  check((await answered(page, 'the class')) === 'Result = red', `the red picture is ${await result(page)}`);
  check(await page.locator('#bars li').count() === 2, 'a bar for each class');
  await page.getByLabel('Is it wrong? What is right?').fill('blue');
  await page.getByRole('button', { name: 'Flag' }).click();
  await page.getByText('Kept. Thank you.').waitFor();
  check(fs.readdirSync(path.join(flags, 'colours', 'blue')).length === 1, 'the picture was not kept');
  check(fs.readFileSync(path.join(flags, 'colours', 'flags.csv'), 'utf8').includes(',blue,red,'), 'its line was not kept');
  await accessible(page, 'the page with a class');
  await shot(page, 'class');
}

// handed gives the page a file as dropping or pasting does.
async function handed(page, event, text) {
  await page.evaluate(([kind, bytes, type]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], kind + '.png', { type }));
    if (kind === 'drop') document.getElementById('drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    else document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }));
  }, [event, text ? [...Buffer.from(text)] : [...picture.buffer], 'image/png']);
  await page.getByRole('button', { name: 'Analyze' }).click();
}

async function dropped(page) {
  for (const event of ['drop', 'paste']) {
    await choose(page, 'colours');
    await handed(page, event);
    check((await answered(page, event)) === 'Result = red', `${event}: ${await result(page)}`);
  }
  await choose(page, 'colours');
  await handed(page, 'drop', 'no picture at all');
  await until(page, 'an error', async () => /not a picture/.test(await result(page)));
  await shot(page, 'error');
}

// examples are the pictures and texts that an export carries.
async function examples(page) {
  await choose(page, 'colours');
  await until(page, 'two examples', async () => await page.locator('.example img').count() === 2);
  await page.locator('.example').first().click();
  await page.getByRole('button', { name: 'Analyze' }).click();
  check(/^Result = (red|blue)$/.test(await answered(page, 'an example')), await result(page));
  await accessible(page, 'the page with examples');
  await shot(page, 'examples');
  await choose(page, 'texts');
  await page.getByRole('button', { name: 'a bad film number 8' }).click();
  await page.getByRole('button', { name: 'Analyze' }).click();
  check((await answered(page, 'the class')) === 'Result = neg', await result(page));
}

async function labels(page) {
  await choose(page, 'labels');
  await page.locator('#file-input').setInputFiles(picture);
  await page.getByRole('button', { name: 'Analyze' }).click();
  await answered(page, 'the labels');
  check(await page.locator('#bars li').count() === 3, 'a bar for each label');
}

async function masks(page) {
  await choose(page, 'masks');
  await page.locator('#file-input').setInputFiles(picture);
  await page.getByRole('button', { name: 'Analyze' }).click();
  await answered(page, 'the mask');
  await until(page, 'the mask over the whole picture', async () => await drawn(page) === 32 * 32);
  await accessible(page, 'the page with a mask');
  await shot(page, 'mask');
}

async function points(page) {
  await choose(page, 'points');
  await page.locator('#file-input').setInputFiles(picture);
  await page.getByRole('button', { name: 'Analyze' }).click();
  const said = await answered(page, 'the point');
  check(/^Result = x \d+\.\d, y \d+\.\d$/.test(said), said);
  await until(page, 'the point over the picture', async () => { const n = await drawn(page); return n > 5 && n < 200; });
  await shot(page, 'point');
}

async function texts(page) {
  await choose(page, 'texts');
  await page.getByLabel('Text', { exact: true }).fill('a good film number 7');
  await page.getByRole('button', { name: 'Analyze' }).click();
  check((await answered(page, 'the class')) === 'Result = pos', await result(page));
  check(await page.locator('#weighed mark').count() === 5, 'a weight for each word');
  await page.getByLabel('Is it wrong? What is right?').fill('neg');
  await page.getByRole('button', { name: 'Flag' }).click();
  await page.getByText('Kept. Thank you.').waitFor();
  check(fs.readFileSync(path.join(flags, 'texts', 'flags.csv'), 'utf8').includes('a good film number 7,neg,pos,'), 'the text was not kept');
  await accessible(page, 'the page with a text');
  await shot(page, 'text');
}

async function writer(page) {
  await choose(page, 'writer');
  await page.getByLabel('A text to go on from').fill('a good');
  await page.getByLabel('Words', { exact: true }).fill('12');
  await page.getByRole('button', { name: 'Write' }).click();
  await until(page, 'twelve words', async () => (await result(page)).split(/\s+/).length >= 12 && await page.locator('#stop').isHidden());
  check((await result(page)).startsWith('a good '), await result(page));
  await accessible(page, 'the page that writes');
  await shot(page, 'writer');
  await page.getByLabel('Words', { exact: true }).fill('500');
  await page.getByRole('button', { name: 'Write' }).click();
  await until(page, 'the first words', async () => (await result(page)).split(/\s+/).length > 2);
  await page.getByRole('button', { name: 'Stop' }).click().catch(() => {}); // 500 words may be there by then
  await page.locator('#stop').waitFor({ state: 'hidden' });
}

async function camera(page, model) {
  await page.goto(`${url}camera?model=${model}`);
  await until(page, 'the models', async () => (await page.locator('#model option').count()) === 4);
  check((await page.locator('#model').inputValue()) === model, 'the model of the address is not chosen');
  await page.getByRole('button', { name: 'Start the camera' }).click();
  await until(page, 'ten frames', async () => Number(/^(\d+) frames/.exec(await page.locator('#pace').textContent())?.[1]) >= 10);
  if (model !== 'colours') check(await drawn(page) > 5, 'nothing is drawn over the camera');
  check((await result(page)).length > 0, 'nothing is said');
  await accessible(page, `the camera's page with ${model}`);
  await shot(page, `camera-${model}`);
  const pace = await page.locator('#pace').textContent();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.waitForTimeout(300);
  const still = await page.locator('#pace').textContent();
  await page.waitForTimeout(700);
  check(await page.locator('#pace').textContent() === still, 'frames go on after Stop');
  return pace;
}

async function calls(page) {
  await page.goto(`${url}api`);
  check(await page.locator('.call').count() === 24, 'four calls for each model');
  await page.locator('.copy').first().click();
  await until(page, 'copied or marked', async () => /Copied|Marked/.test(await page.locator('.copy').first().textContent()));
  await accessible(page, 'the page of calls');
  await shot(page, 'api');
}

// small is a phone in the dark.
async function small(page) {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  where = 'phone-';
  await masks(page);
  await texts(page);
  await calls(page);
  where = '';
  await page.setViewportSize({ width: 1000, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
}

(async () => {
  fs.mkdirSync(shots, { recursive: true });
  const { browser, page, outside, pageErrors } = await open({ width: 1000, height: 800 });
  try {
    for (const step of [colours, dropped, examples, labels, masks, points, texts, writer, calls]) {
      await step(page);
      console.log('ok', step.name);
    }
    for (const model of ['masks', 'points', 'colours']) console.log('ok camera', model, await camera(page, model));
    await small(page);
    console.log('ok small');
    check(!outside.length, `asked from outside: ${outside}`);
    check(!pageErrors.length, `scripts failed: ${pageErrors}`);
  } catch (e) {
    await shot(page, 'failed').catch(() => {});
    console.error(e);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
})();
