package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// nvrtc is the compiler library, loaded once. Its handles and sizes are C pointers and size_t.
var nvrtc struct {
	once sync.Once
	err  error

	version     func(major, minor *int32) int32
	create      func(prog *uintptr, src, name *byte, headers int32, texts, names unsafe.Pointer) int32
	destroy     func(prog *uintptr) int32
	compile     func(prog uintptr, n int32, options unsafe.Pointer) int32
	logSize     func(prog uintptr, n *uintptr) int32
	log         func(prog uintptr, text *byte) int32
	ptxSize     func(prog uintptr, n *uintptr) int32
	ptx         func(prog uintptr, text *byte) int32
	errorString func(result int32) string
}

// loadNVRTC loads the library and sees that it is the right one.
func loadNVRTC() {
	path, err := nvrtcPath()
	if err != nil {
		nvrtc.err = err
		return
	}
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		nvrtc.err = fmt.Errorf("genptx: %w", err)
		return
	}
	for name, f := range map[string]any{
		"nvrtcVersion": &nvrtc.version, "nvrtcCreateProgram": &nvrtc.create, "nvrtcDestroyProgram": &nvrtc.destroy,
		"nvrtcCompileProgram": &nvrtc.compile, "nvrtcGetProgramLogSize": &nvrtc.logSize, "nvrtcGetProgramLog": &nvrtc.log,
		"nvrtcGetPTXSize": &nvrtc.ptxSize, "nvrtcGetPTX": &nvrtc.ptx, "nvrtcGetErrorString": &nvrtc.errorString,
	} {
		purego.RegisterLibFunc(f, lib, name)
	}
	var major, minor int32
	nvrtc.version(&major, &minor)
	if v := fmt.Sprintf("%d.%d.", major, minor); !strings.HasPrefix(nvrtcVersion, v) {
		nvrtc.err = fmt.Errorf("genptx: %s is NVRTC %d.%d, and %s is needed (try pip install %s)", path, major, minor, nvrtcVersion, nvrtcPackage)
	}
}

// compile gives the PTX of a source for an architecture as "compute_75".
func compile(name, source, arch string) (string, error) {
	nvrtc.once.Do(loadNVRTC)
	if nvrtc.err != nil {
		return "", nvrtc.err
	}
	var prog uintptr
	if r := nvrtc.create(&prog, cstring(source), cstring(name+".cu"), 0, nil, nil); r != 0 {
		return "", fmt.Errorf("genptx: %s: %s", name, nvrtc.errorString(r))
	}
	defer nvrtc.destroy(&prog)
	var opts []*byte
	var pin runtime.Pinner
	defer pin.Unpin()
	for _, o := range options(arch) {
		p := cstring(o)
		pin.Pin(p)
		opts = append(opts, p)
	}
	r := nvrtc.compile(prog, int32(len(opts)), unsafe.Pointer(&opts[0]))
	var n uintptr
	nvrtc.logSize(prog, &n)
	log := make([]byte, n+1)
	nvrtc.log(prog, &log[0])
	said := strings.TrimRight(string(log), "\x00\n ")
	if r != 0 {
		return "", fmt.Errorf("genptx: %s for %s: %s\n%s", name, arch, nvrtc.errorString(r), said)
	}
	if said != "" {
		return "", fmt.Errorf("genptx: %s for %s: the compiler warns:\n%s", name, arch, said)
	}
	if r := nvrtc.ptxSize(prog, &n); r != 0 {
		return "", fmt.Errorf("genptx: %s: %s", name, nvrtc.errorString(r))
	}
	text := make([]byte, n+1)
	if r := nvrtc.ptx(prog, &text[0]); r != 0 {
		return "", fmt.Errorf("genptx: %s: %s", name, nvrtc.errorString(r))
	}
	return plain(string(text)), nil
}

func cstring(s string) *byte {
	b := append([]byte(s), 0)
	return &b[0]
}
