// Starts a kernel as VS Code's Jupyter extension does where no Jupyter is installed, with the ZeroMQ library that it
// uses, and talks to it in its order: the kernelspec's argv with the connection file's name put in, ports that are
// tried until something listens, DEALERs that share one identity, kernel_info, cells, an interrupt on the shell
// socket, completion, a widget manager's questions, a kill, and a start anew on other ports.
// Usage: node vscode.js KERNELSPEC_FOLDER
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { spawn } = require('child_process');
const zmq = require('zeromq');

const folder = path.resolve(process.argv[2]);
const spec = JSON.parse(fs.readFileSync(path.join(folder, 'kernel.json')));

function check(ok, message) {
  if (!ok) throw new Error(message);
}

function freePort() {
  return new Promise((done) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
  });
}

// listens tries a port with a bare connection, which says nothing, every 200 ms.
async function listens(port) {
  for (let end = Date.now() + 30000; Date.now() < end;) {
    const is = await new Promise((done) => {
      const s = net.connect(port, '127.0.0.1', () => { s.destroy(); done(true); });
      s.on('error', () => done(false));
    });
    if (is) return;
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error(`nothing listens on port ${port}`);
}

class Kernel {
  async start(dir) {
    const ports = await Promise.all(['shell', 'iopub', 'stdin', 'control', 'hb'].map(async (n) => [`${n}_port`, await freePort()]));
    this.conn = { ...Object.fromEntries(ports), ip: '127.0.0.1', key: crypto.randomUUID(), signature_scheme: 'hmac-sha256', transport: 'tcp', version: 0, kernel_name: 'fastnb' };
    this.file = path.join(dir, `kernel-v3${crypto.randomUUID()}.json`);
    fs.writeFileSync(this.file, JSON.stringify(this.conn));
    const argv = spec.argv.map((a) => a.replace('{resource_dir}', folder).replace('{connection_file}', this.file));
    this.process = spawn(argv[0], argv.slice(1), { cwd: dir, env: { ...process.env, ...spec.env, JPY_PARENT_PID: undefined } });
    this.said = '';
    this.process.stderr.on('data', (d) => { this.said += d; });
    this.ended = new Promise((done) => this.process.on('exit', (code, signal) => done(signal || code)));
    await Promise.all([listens(this.conn.shell_port), listens(this.conn.iopub_port)]);
    const routingId = crypto.randomUUID();
    const at = (n) => `tcp://127.0.0.1:${this.conn[`${n}_port`]}`;
    this.sockets = { iopub: new zmq.Subscriber({ maxMessageSize: -1, receiveHighWaterMark: 0 }) };
    for (const n of ['shell', 'control', 'stdin']) this.sockets[n] = new zmq.Dealer({ routingId, sendHighWaterMark: 0, receiveHighWaterMark: 0, maxMessageSize: -1 });
    this.heard = [];
    this.waiting = [];
    for (const [n, s] of Object.entries(this.sockets)) {
      s.connect(at(n));
      this.read(n, s);
    }
    this.sockets.iopub.subscribe();
    this.session = crypto.randomUUID();
  }

  async read(channel, socket) {
    for await (const frames of socket) {
      const i = frames.findIndex((f) => f.toString() === '<IDS|MSG>');
      const parts = frames.slice(i + 2, i + 6);
      const sign = crypto.createHmac('sha256', this.conn.key);
      parts.forEach((p) => sign.update(p));
      check(sign.digest('hex') === frames[i + 1].toString(), `a wrong signature on ${channel}`);
      const [header, parent, metadata, content] = parts.map((p) => JSON.parse(p.toString()));
      for (const field of ['username', 'version', 'session', 'msg_id', 'msg_type']) check(typeof header[field] === 'string', `${header.msg_type} without ${field}`);
      this.heard.push({ channel, header, parent, metadata, content });
      this.waiting.forEach((w) => w());
    }
  }

  async send(channel, type, content) {
    const header = { msg_id: crypto.randomUUID(), msg_type: type, session: this.session, username: '', date: new Date().toISOString(), version: '5.2' };
    const parts = [header, {}, {}, content].map((p) => JSON.stringify(p));
    const sign = crypto.createHmac('sha256', this.conn.key);
    parts.forEach((p) => sign.update(p));
    await this.sockets[channel].send(['<IDS|MSG>', sign.digest('hex'), ...parts]);
    return header.msg_id;
  }

  // hears waits for a message that fits.
  async hears(what, fits, limit = 60000) {
    for (let end = Date.now() + limit; ;) {
      const m = this.heard.find(fits);
      if (m) return m;
      check(Date.now() < end, `${what}: not within ${limit / 1000} s${this.said && `; the kernel said: ${this.said.slice(-500)}`}`);
      await new Promise((done) => { this.waiting.push(done); setTimeout(done, 100); });
    }
  }

  async ask(channel, type, content) {
    const id = await this.send(channel, type, content);
    const reply = await this.hears(`the reply to ${type}`, (m) => m.channel === channel && m.parent.msg_id === id);
    await this.hears(`idle after ${type}`, (m) => m.channel === 'iopub' && m.parent.msg_id === id && m.content.execution_state === 'idle');
    return { id, content: reply.content };
  }

  run(code) {
    return this.ask('shell', 'execute_request', { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: true, stop_on_error: false });
  }

  // kill ends the process as closing the notebook does: with SIGTERM, without a request.
  async kill() {
    Object.values(this.sockets).forEach((s) => s.close());
    this.process.kill();
    const how = await Promise.race([this.ended, new Promise((done) => setTimeout(() => done('still there after 10 s'), 10000))]);
    fs.unlinkSync(this.file);
    check(how === 0 || how === 'SIGTERM', `the killed kernel: ${how}`);
  }
}

async function main() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'vs code-')); // a space, as in many user names
  const k = new Kernel();
  try {
    check(spec.interrupt_mode === 'message' && spec.language === 'go', `the kernelspec: ${JSON.stringify(spec)}`);
    await k.start(dir);
    const info = await k.ask('shell', 'kernel_info_request', {});
    check(info.content.language_info.name === 'go', `kernel_info: ${JSON.stringify(info.content)}`);
    await k.ask('control', 'kernel_info_request', {});

    const first = await k.run('x := 6 * 7\nx');
    const result = await k.hears('the result', (m) => m.parent.msg_id === first.id && m.header.msg_type === 'execute_result');
    check(result.content.data['text/plain'] === '42', `6 * 7 gives ${JSON.stringify(result.content)}`);

    // The interrupt goes to the shell socket, since the kernelspec asks for a message.
    const loop = await k.send('shell', 'execute_request', { code: 'fmt.Println("spinning")\nfor {}', silent: false, store_history: true, allow_stdin: true, stop_on_error: false });
    await k.hears('the loop', (m) => m.parent.msg_id === loop && m.header.msg_type === 'stream');
    await k.ask('shell', 'interrupt_request', {});
    const stopped = await k.hears('the end of the loop', (m) => m.channel === 'shell' && m.parent.msg_id === loop);
    check(stopped.content.status === 'error', `the interrupted cell: ${stopped.content.status}`);
    check((await k.run('x + 1')).content.status === 'ok', 'after the interrupt nothing runs');

    const found = await k.ask('shell', 'complete_request', { code: 'strings.ToUp', cursor_pos: 12 });
    check(found.content.matches.includes('ToUpper'), `completion: ${found.content.matches}`);
    check((await k.ask('shell', 'inspect_request', { code: 'strings.ToUpper', cursor_pos: 10, detail_level: 0 })).content.found, 'nothing to inspect');

    // A cell that asks is answered on stdin.
    const asking = await k.send('shell', 'execute_request', { code: 'who := cell.Input("Who? ")\nfmt.Println("hello", who)', silent: false, allow_stdin: true });
    await k.hears('the question', (m) => m.channel === 'stdin' && m.header.msg_type === 'input_request');
    await k.send('stdin', 'input_reply', { value: 'Gopher', status: 'ok' });
    await k.hears('the answer', (m) => m.parent.msg_id === asking && m.header.msg_type === 'stream' && m.content.text.includes('hello Gopher'));

    // A widget manager asks for widgets and opens its own comm: there are none, it is told so, and cells go on.
    const widgets = await k.ask('shell', 'comm_info_request', { target_name: 'jupyter.widget' });
    check(JSON.stringify(widgets.content.comms) === '{}', `widgets: ${JSON.stringify(widgets.content)}`);
    const control = crypto.randomUUID();
    await k.send('shell', 'comm_open', { comm_id: control, target_name: 'jupyter.widget.control', data: {}, metadata: { version: '1.0.0' } });
    await k.hears('the refused comm', (m) => m.header.msg_type === 'comm_close' && m.content.comm_id === control);
    await k.send('shell', 'comm_msg', { comm_id: control, data: { method: 'request_states' } });
    check((await k.run('x + 2')).content.status === 'ok', 'after a widget manager asked nothing runs');

    await k.kill();
    await k.start(dir); // restart: a new process on new ports
    const fresh = await k.run('x');
    check(fresh.content.status === 'error', 'the new kernel knows the old variable');
    await k.kill();
    check(!fs.readdirSync(dir).length, `left in the working folder: ${fs.readdirSync(dir)}`);
    console.log("vscode: starts, runs, is interrupted on the shell, completes, asks, refuses widgets, is killed and starts anew");
  } catch (e) {
    console.error(`vscode: ${e.message}`);
    process.exitCode = 1;
    k.process?.kill('SIGKILL');
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
    process.exit();
  }
}

main();
