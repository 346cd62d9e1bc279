// What a browser test does with a notebook in JupyterLab.

function check(ok, message) {
  if (!ok) throw new Error(message);
}

// until asks again and again for something true and gives it, or fails with the last answer.
async function until(page, what, ask, limit = 60000) {
  const end = Date.now() + limit;
  for (let seen; ;) {
    seen = await ask();
    if (seen) return seen;
    check(Date.now() < end, `${what}: not within ${limit / 1000} s`);
    await page.waitForTimeout(100);
  }
}

// Notebook is the notebook in front, its cells counted from 0.
class Notebook {
  constructor(page) { this.page = page; }

  cell(i) { return this.page.locator(`.jp-Notebook:visible .jp-Cell[data-windowed-list-index="${i}"]`); }
  code(i) { return this.page.locator(`.jp-Notebook:visible .jp-CodeCell[data-windowed-list-index="${i}"]`); }
  output(i) { return this.code(i).locator('.jp-OutputArea').first(); }
  editor(i) { return this.code(i).locator('.cm-content'); }
  count(i, selector) { return this.output(i).locator(selector).count(); }
  prompt(i) { return this.code(i).locator('.jp-InputPrompt').textContent(); }
  text(i) { return this.output(i).innerText(); }

  // write puts text into an empty cell; what of it needs keys pressed comes by page.keyboard.
  async write(i, text) {
    await this.editor(i).click();
    await this.page.keyboard.insertText(text);
  }

  // start begins a cell; the next one is below it then.
  async start(i, text) {
    await this.write(i, text);
    await this.page.keyboard.press('Shift+Enter');
    await this.code(i + 1).waitFor();
  }

  // finished waits until the cell has run and fails if it failed.
  async finished(i, limit) {
    await until(this.page, `cell ${i} ends`, async () => /\[\d+\]/.test(await this.prompt(i)), limit);
    const errors = await this.output(i).locator('[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]').allInnerTexts();
    check(errors.length === 0, `cell ${i} failed: ${errors.join(' ').slice(0, 500)}`);
  }

  async run(i, text) {
    await this.start(i, text);
    await this.finished(i);
  }

  // shows waits until the output of a cell has the text.
  async shows(i, text) {
    await this.output(i).getByText(text).first().waitFor();
  }

  // replace writes another text into a cell, which is in front then.
  async replace(i, text) {
    await this.cell(i).scrollIntoViewIfNeeded();
    await this.editor(i).click();
    await this.page.keyboard.press('Control+a');
    await this.page.keyboard.insertText(text);
  }

  // select makes a cell the one that Shift+Enter runs.
  async select(i) {
    await this.cell(i).scrollIntoViewIfNeeded();
    await this.cell(i).locator('.jp-InputPrompt').click();
  }

  // menu clicks through the menu bar: its item, and what opens below it.
  async menu(first, ...items) {
    await this.page.locator('.lm-MenuBar-item', { hasText: new RegExp(`^${first}$`) }).click();
    for (const [k, name] of items.entries()) {
      const item = this.page.locator('.lm-Menu-item', { hasText: name }).first();
      await (k < items.length - 1 ? item.hover() : item.click());
    }
  }

  async theme(name, light) {
    if (await this.page.locator(`body[data-jp-theme-light="${light}"]`).count()) return;
    await this.menu('Settings', 'Theme', name);
    await this.page.locator(`body[data-jp-theme-light="${light}"]`).waitFor({ state: 'attached' });
    await this.page.waitForTimeout(1000);
  }

  async command(name) {
    await this.page.locator(`.jp-NotebookPanel-toolbar:visible [data-command="notebook:${name}"]`).click();
  }
}

module.exports = { check, until, Notebook };
