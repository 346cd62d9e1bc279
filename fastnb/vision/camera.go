package vision

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	_ "image/png" // what a page's canvas may send
	"strings"
	"sync"

	"github.com/fastnb/go/cell/comm"
	"github.com/fastnb/go/plotting"
)

// CameraView is a camera in the page: its picture, a button, and the picture taken last.
type CameraView struct {
	mu    sync.Mutex
	last  *Image
	taken int
	on    func(*Image) string
	line  *comm.Comm
}

// Camera shows the reader's camera at the end of a cell, and takes pictures with it, as photographs of 640x480
// pixels at most. on, if given, is called with each picture taken and gives the text shown below it, such as a
// prediction. The page asks the reader for leave; it must come from this machine or over https, or browsers
// show no camera. Image gives the picture taken last.
func Camera(on ...func(*Image) string) *CameraView {
	c := &CameraView{}
	if len(on) > 0 {
		c.on = on[0]
	}
	return c
}

// Image is the picture taken last. Before the first it is an error.
func (c *CameraView) Image() (*Image, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return nil, errors.New("fastnb: camera: no picture was taken yet (try its button)")
	}
	return c.last, nil
}

// String tells how many pictures were taken.
func (c *CameraView) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("Camera: %d pictures taken", c.taken)
}

// maxShot is the most bytes of a picture that a page sends.
const maxShot = 16 << 20

// answer takes a picture.
func (c *CameraView) answer(d comm.Data) (comm.Data, error) {
	src, _ := d["picture"].(string)
	_, b64, ok := strings.Cut(src, ";base64,")
	if !ok || len(b64) > maxShot {
		return nil, errors.New("fastnb: camera: the page sent no picture")
	}
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		return nil, fmt.Errorf("fastnb: camera: %w", err)
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || size.Width > 8192 || size.Height > 8192 {
		return nil, fmt.Errorf("fastnb: camera: the page sent a picture of %dx%d: %w", size.Height, size.Width, err)
	}
	m, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("fastnb: camera: %w", err)
	}
	x := NewImage(m)
	c.mu.Lock()
	c.last, c.taken = x, c.taken+1
	c.mu.Unlock()
	note := fmt.Sprintf("a picture of %dx%d", x.Height(), x.Width())
	if c.on != nil {
		note = c.on(x)
	}
	return comm.Data{"note": note}, nil
}

// Render gives the camera's forms for a notebook (gophernotes' Renderer).
func (c *CameraView) Render() struct{ Data, Metadata, Transient map[string]any } {
	out := plotting.TextFigure(c.String()).Render()
	if c.line == nil {
		c.line = comm.New("fastnb.camera", c.answer)
	}
	id := "fastnb-camera-" + c.line.ID()
	out.Data["text/html"] = `<div id="` + id + `" class="fastnb-camera"><video autoplay playsinline muted style="width:320px;max-width:100%;background:#8884"></video>` +
		` <canvas hidden></canvas><p><button type="button" disabled>Take a picture</button> <span class="fastnb-note">no camera here</span></p></div>` + c.line.Script(id, cameraCode)
	return out
}

// cameraCode is what the page does.
const cameraCode = `var v=box.querySelector("video"),cv=box.querySelector("canvas"),b=box.querySelector("button"),note=box.querySelector(".fastnb-note");
receive=function(d){note.textContent=d.error||d.note||"";};
if(!navigator.mediaDevices){note.textContent="this browser gives no camera to this page (it must come from this machine or over https)";return;}
navigator.mediaDevices.getUserMedia({video:{width:{ideal:640},height:{ideal:480}}}).then(function(s){v.srcObject=s;b.disabled=false;note.textContent="";box.classList.add("fastnb-ready");
new MutationObserver(function(){if(!document.contains(box))s.getTracks().forEach(function(t){t.stop();});}).observe(document.body,{childList:true,subtree:true});
},function(e){note.textContent="no camera: "+e.message;});
b.onclick=function(){var k=Math.min(1,640/v.videoWidth);cv.width=v.videoWidth*k;cv.height=v.videoHeight*k;cv.getContext("2d").drawImage(v,0,0,cv.width,cv.height);
v.poster=cv.toDataURL("image/jpeg",.92);send({picture:v.poster});};`
