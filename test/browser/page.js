// What the browser tests share: a page of JupyterLab in headless Chromium that notes every request
// that leaves this machine and every script that fails.
const { chromium } = require('playwright-core');

const patience = 60000; // milliseconds for one thing to appear; machines that build are slow

function local(url) {
  return /^(data:|blob:|about:|file:|(http|ws):\/\/(127\.0\.0\.1|localhost)[:/])/.test(url);
}

// open starts a browser. What the page asked from outside and what its scripts threw is in `outside`
// and `pageErrors`; requests to outside get no answer.
async function open(size) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
  });
  const context = await browser.newContext({ viewport: size });
  const outside = [];
  const pageErrors = [];
  await context.route((url) => !local(url.href), (route) => route.abort());
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('request', (r) => { if (!local(r.url())) outside.push(r.url()); });
  page.on('websocket', (w) => { if (!local(w.url())) outside.push(w.url()); });
  page.on('pageerror', (e) => pageErrors.push(String(e).slice(0, 200)));
  return { browser, page, outside, pageErrors };
}

module.exports = { open };
