package cuda

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/internal/dl"
)

// api is the part of the driver's functions that is in use.
type api struct {
	path                                                        string
	init, version, deviceCount, deviceGet, deviceName           uintptr
	deviceAttr, deviceMemory, retain, release, setCurrent       uintptr
	memInfo, memAlloc, memFree, hostAlloc, hostFree             uintptr
	upload, download, copyWithin, fill                          uintptr
	streamCreate, streamDestroy, streamWait, streamFollow       uintptr
	beginCapture, endCapture, instantiate, graphLaunch          uintptr
	execDestroy, graphDestroy                                   uintptr
	eventCreate, eventRecord, eventQuery, eventWait, eventSince uintptr
	eventDestroy, moduleLoad, moduleUnload, moduleFunction      uintptr
	functionSet, launch, errorName, errorText                   uintptr
	extents                                                     uintptr // of the test double alone, else 0
}

// libraries are where the driver's library is: where the system looks, on Colab, in containers, under WSL.
var libraries = []string{
	"libcuda.so.1", "/usr/lib64-nvidia/libcuda.so.1", "/usr/local/nvidia/lib64/libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1",
}

var (
	loading sync.Mutex
	loaded  = map[string]*api{} // by the library that was asked for; "" for the system's
)

// load finds the driver's library when it is needed for the first time; path names one, or is empty.
func load(path string) (*api, error) {
	loading.Lock()
	defer loading.Unlock()
	if a := loaded[path]; a != nil {
		return a, nil
	}
	paths := libraries
	if path != "" {
		paths = []string{path}
	}
	lib, err := dl.Open(paths...)
	if err != nil {
		return nil, fmt.Errorf("%w: NVIDIA's driver: %w", device.ErrNotFound, err)
	}
	a := &api{path: lib.Path}
	err = lib.Table(map[string]*uintptr{
		"cuInit": &a.init, "cuDriverGetVersion": &a.version, "cuDeviceGetCount": &a.deviceCount, "cuDeviceGet": &a.deviceGet, "cuDeviceGetName": &a.deviceName,
		"cuDeviceGetAttribute": &a.deviceAttr, "cuDeviceTotalMem_v2": &a.deviceMemory, "cuDevicePrimaryCtxRetain": &a.retain,
		"cuDevicePrimaryCtxRelease_v2": &a.release, "cuCtxSetCurrent": &a.setCurrent, "cuMemGetInfo_v2": &a.memInfo, "cuMemAlloc_v2": &a.memAlloc,
		"cuMemFree_v2": &a.memFree, "cuMemHostAlloc": &a.hostAlloc, "cuMemFreeHost": &a.hostFree, "cuMemcpyHtoDAsync_v2": &a.upload,
		"cuMemcpyDtoHAsync_v2": &a.download, "cuMemcpyDtoDAsync_v2": &a.copyWithin, "cuMemsetD8Async": &a.fill, "cuStreamCreate": &a.streamCreate,
		"cuStreamDestroy_v2": &a.streamDestroy, "cuStreamSynchronize": &a.streamWait, "cuStreamWaitEvent": &a.streamFollow,
		"cuStreamBeginCapture_v2": &a.beginCapture, "cuStreamEndCapture": &a.endCapture, "cuGraphInstantiateWithFlags": &a.instantiate,
		"cuGraphLaunch": &a.graphLaunch, "cuGraphExecDestroy": &a.execDestroy, "cuGraphDestroy": &a.graphDestroy, "cuEventCreate": &a.eventCreate,
		"cuEventRecord": &a.eventRecord, "cuEventQuery": &a.eventQuery, "cuEventSynchronize": &a.eventWait, "cuEventElapsedTime": &a.eventSince,
		"cuEventDestroy_v2": &a.eventDestroy, "cuModuleLoadDataEx": &a.moduleLoad, "cuModuleUnload": &a.moduleUnload, "cuModuleGetFunction": &a.moduleFunction,
		"cuFuncSetAttribute": &a.functionSet, "cuLaunchKernel": &a.launch, "cuGetErrorName": &a.errorName, "cuGetErrorString": &a.errorText,
	})
	if err != nil {
		return nil, fmt.Errorf("NVIDIA's driver is older than 520: %w (try a newer driver)", err)
	}
	a.extents = lib.Has("doubleExtents")
	if err := a.failed("start", dl.Call(a.init, 0)); err != nil {
		if errors.Is(err, errNoCard) {
			err = fmt.Errorf("%w: %w", device.ErrNotFound, err)
		}
		return nil, err
	}
	loaded[path] = a
	return a, nil
}

// library is the library that the environment names, for tests; empty for the system's.
func library() string { return os.Getenv("FASTNB_LIBCUDA") }

// Constants of cuda.h.
const (
	attrUnits, attrMajor, attrMinor            = 16, 75, 76
	attrSharedOptIn                            = 97
	functionShared                             = 8
	hostPortable, streamNonBlocking            = 1, 1
	captureRelaxed                             = 2
	jitErrorLog, jitErrorLogSize               = 5, 6
	codeMemory, codeNoCard, codeNotReady       = 2, 100, 600
	oldestVersion                              = 11080 // CUDA 11.8, whose PTX the kernels are: driver 520
	leastCompute                               = 52
	freeShared                                 = 48 << 10 // bytes of shared memory that need no asking
	mostArguments                              = 64
	codeUninitialised, codeECC, codeContextEnd = 4, 214, 709
)

var errNoCard = errors.New("no card")

// lost are the codes after which nothing works any more: the context holds the error for ever.
var lost = map[int32]bool{
	codeUninitialised: true, 46: true, codeECC: true, 220: true, 700: true, 702: true, codeContextEnd: true, 710: true, 714: true, 715: true,
	716: true, 717: true, 718: true, 719: true, 721: true, 999: true,
}

// failed is the error of a code, nil for 0.
func (a *api) failed(what string, code uintptr) error {
	c := int32(code)
	if c == 0 {
		return nil
	}
	err := fmt.Errorf("CUDA: %s: %s: %s (%d)", what, a.say(a.errorName, c), a.say(a.errorText, c), c)
	switch {
	case c == codeMemory:
		return fmt.Errorf("%w: %w", gpu.ErrNoMemory, err)
	case c == codeNoCard:
		return fmt.Errorf("%w: %w", errNoCard, err)
	case lost[c]:
		return fmt.Errorf("%w: %w", gpu.ErrLost, err)
	}
	return err
}

// say asks the driver for the words for a code.
func (a *api) say(fn uintptr, code int32) string {
	var text *byte
	if dl.Call(fn, uintptr(code), uintptr(unsafe.Pointer(&text))) != 0 || text == nil {
		return "unknown"
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(text), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(text, n))
}
