// Package comm carries values between a cell's output in the page and the program behind it, over Jupyter's
// comm messages: a button that was pressed, a label that was chosen. It is a leaf; the kernel attaches
// itself with [Attach] and hands over what comes with [Deliver].
//
// What belongs to an output makes a [Comm] with a handler, writes its ID into the page's script, and the
// script sends to it. [Script] is that script's half: a page of Jupyter's server talks to the kernel over the
// server's own channel, with no extension installed. Where there is no such server (an exported page,
// another front end) the script finds nobody, and what it would have brought to life stays as it is.
package comm

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// Data is what one message carries.
type Data = map[string]any

// Handler answers a message of the page; a reply that is not nil is sent back. Handlers run between cells,
// one at a time. An error is sent back as {"error": text}.
type Handler func(d Data) (reply Data, err error)

// Comm is one line between an output and the program.
type Comm struct {
	id, target string
	handle     Handler
}

// carrier is the kernel.
type carrier struct {
	kernel string
	send   func(kind, id string, content Data)
}

var (
	mu      sync.Mutex
	open    = map[string]*Comm{}
	openers = map[string]func(c *Comm, d Data) (Handler, error){}
	by      *carrier
	count   atomic.Int64
)

// New makes a comm of the named target.
func New(target string, h Handler) *Comm {
	c := &Comm{id: fmt.Sprintf("fastnb-%d-%d", os.Getpid(), count.Add(1)), target: target, handle: h}
	mu.Lock()
	defer mu.Unlock()
	open[c.id] = c
	return c
}

// ID names the comm in messages.
func (c *Comm) ID() string { return c.id }

// Send sends a message to all pages. Without a kernel it does nothing.
func (c *Comm) Send(d Data) { emit("comm_msg", c.id, Data{"data": notNil(d)}) }

// Close ends the comm and tells the pages.
func (c *Comm) Close() {
	if forget(c.id) {
		emit("comm_close", c.id, Data{"data": Data{}})
	}
}

// OnOpen says what happens when a page opens a comm of a target: f gives the handler of its messages.
func OnOpen(target string, f func(c *Comm, d Data) (Handler, error)) {
	mu.Lock()
	defer mu.Unlock()
	openers[target] = f
}

// Attach makes send carry messages: the kernel's side. kernel is its id at Jupyter's server, "" if it has
// none. The function it gives detaches.
func Attach(kernel string, send func(kind, id string, content Data)) (detach func()) {
	c := &carrier{kernel, send}
	mu.Lock()
	defer mu.Unlock()
	by = c
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if by == c {
			by = nil
		}
	}
}

// Kernel is the kernel's id at Jupyter's server, "" without one.
func Kernel() string {
	mu.Lock()
	defer mu.Unlock()
	if by == nil {
		return ""
	}
	return by.kernel
}

// Opened takes a comm_open of a page. A target that nobody knows is closed again.
func Opened(id, target string, d Data) {
	mu.Lock()
	f := openers[target]
	mu.Unlock()
	if f == nil {
		emit("comm_close", id, Data{"data": Data{"error": fmt.Sprintf("no target %q", target)}})
		return
	}
	c := &Comm{id: id, target: target}
	h, err := guarded(func() (h Handler, err error) { return f(c, d) })
	if err != nil || h == nil {
		emit("comm_close", id, Data{"data": Data{"error": fmt.Sprint(err)}})
		return
	}
	c.handle = h
	mu.Lock()
	defer mu.Unlock()
	open[id] = c
}

// Deliver takes a comm_msg of a page. A comm that is not open, as after a restart, is closed.
func Deliver(id string, d Data) {
	mu.Lock()
	c := open[id]
	mu.Unlock()
	if c == nil {
		emit("comm_close", id, Data{"data": Data{"error": "the kernel was restarted: run the cell again"}})
		return
	}
	reply, err := guarded(func() (Data, error) { return c.handle(d) })
	if err != nil {
		reply = Data{"error": err.Error()}
	}
	if reply != nil {
		c.Send(reply)
	}
}

// Closed takes a comm_close of a page.
func Closed(id string) { forget(id) }

// Info lists the open comms with their targets, those of one target if it is not "".
func Info(target string) map[string]string {
	mu.Lock()
	defer mu.Unlock()
	out := map[string]string{}
	for id, c := range open {
		if target == "" || target == c.target {
			out[id] = c.target
		}
	}
	return out
}

func forget(id string) bool {
	mu.Lock()
	defer mu.Unlock()
	_, there := open[id]
	delete(open, id)
	return there
}

func emit(kind, id string, content Data) {
	mu.Lock()
	c := by
	mu.Unlock()
	if c == nil {
		return
	}
	content["comm_id"] = id
	c.send(kind, id, content)
}

// guarded makes a panic of f an error.
func guarded[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return f()
}

func notNil(d Data) Data {
	if d == nil {
		return Data{}
	}
	return d
}

// Script is a script element that connects to the comm and then runs code, JavaScript in which box is the
// element of the given id, send(object) sends a message, and receive = function(object) takes what is sent
// back. Where the page has no such kernel, box gets the class "fastnb-alone" and code does not run.
func (c *Comm) Script(element, code string) string {
	return fmt.Sprintf(connect, text(element), text(c.id), text(Kernel()), code)
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

// connect opens a channel of its own to the kernel, as JupyterLab does: the same address, the page's cookies.
const connect = `<script>(function(){
var box=document.getElementById(%s),comm=%s,kernel=%s,base=null,c=document.getElementById("jupyter-config-data");
if(!box||box.fastnbBound)return;
function alone(why){box.classList.add("fastnb-alone");var n=box.querySelector(".fastnb-note");if(n&&why)n.textContent=why;}
try{base=c?JSON.parse(c.textContent).baseUrl:document.body.dataset.baseUrl;}catch(e){}
if(!base||!kernel||!window.WebSocket){alone();return;}
box.fastnbBound=true;
var session=Math.random().toString(16).slice(2)+Date.now().toString(16),n=0,
ws=new WebSocket(location.origin.replace(/^http/,"ws")+base+"api/kernels/"+kernel+"/channels?session_id="+session),receive=function(){};
function send(data){ws.send(JSON.stringify({channel:"shell",header:{msg_id:session+"_"+(n++),msg_type:"comm_msg",username:"",session:session,date:new Date().toISOString(),version:"5.3"},
parent_header:{},metadata:{},content:{comm_id:comm,data:data},buffers:[]}));}
ws.onmessage=function(e){if(typeof e.data!=="string")return;var m=JSON.parse(e.data);if(!m.content||m.content.comm_id!==comm)return;
if(m.header.msg_type==="comm_msg")receive(m.content.data);if(m.header.msg_type==="comm_close")alone((m.content.data||{}).error);};
ws.onerror=function(){alone("the kernel of this output is gone: run the cell again");};
ws.onopen=function(){%s};
})();</script>`
