// The reference (make docs) in a browser: a package's page shows its text, a search finds a method.
// Usage: node ref.js URL SCREENSHOT_PREFIX
const { open } = require('./page');

const [url, shots] = process.argv.slice(2);

(async () => {
  const { browser, page, outside, pageErrors } = await open({ width: 1200, height: 900 });
  await page.goto(`${url}/github.com/fastnb/go/fastnb/index.html`, { waitUntil: 'load' });
  await page.locator('h4:has-text("FitOneCycle"), h3:has-text("FitOneCycle")').first().waitFor();
  await page.fill('#search input', 'FitOneCycle');
  const hit = page.locator('.pagefind-ui__result a').first();
  await hit.waitFor();
  const text = await page.locator('.pagefind-ui__results').innerText();
  await page.screenshot({ path: `${shots}-search.png` });
  await hit.click();
  await page.waitForLoadState('load');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${shots}-page.png` });
  await browser.close();
  if (!/FitOneCycle/.test(text) || outside.length || pageErrors.length) {
    console.error('reference:', text.slice(0, 200), outside.slice(0, 5), pageErrors.slice(0, 5));
    process.exit(1);
  }
  console.log('reference: searched and read');
})().catch((e) => { console.error(e); process.exit(1); });
