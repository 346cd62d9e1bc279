package opencl

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/internal/dl"
)

// api is the part of OpenCL 1.2 that is in use.
type api struct {
	getPlatforms, platformInfo, getDevices, deviceInfo              uintptr
	createContext, releaseContext, createQueue, releaseQueue        uintptr
	createBuffer, createSub, releaseMem, mapBuffer, unmap           uintptr
	write, read, copyBuffer, fill                                   uintptr
	createProgram, build, buildInfo, createKernel, setArg, launch   uintptr
	marker, barrier, eventInfo, eventTime, waitEvents, releaseEvent uintptr
	finish, flush, releaseKernel, releaseProgram                    uintptr
}

// load finds the library when it is needed for the first time.
var load = sync.OnceValues(func() (*api, error) {
	lib, err := dl.Open("libOpenCL.so.1", "libOpenCL.so", "/System/Library/Frameworks/OpenCL.framework/OpenCL")
	if err != nil {
		return nil, fmt.Errorf("%w: OpenCL's library: %w", device.ErrNotFound, err)
	}
	a := &api{}
	err = lib.Table(map[string]*uintptr{
		"clGetPlatformIDs": &a.getPlatforms, "clGetPlatformInfo": &a.platformInfo, "clGetDeviceIDs": &a.getDevices, "clGetDeviceInfo": &a.deviceInfo,
		"clCreateContext": &a.createContext, "clReleaseContext": &a.releaseContext, "clCreateCommandQueue": &a.createQueue, "clReleaseCommandQueue": &a.releaseQueue,
		"clCreateBuffer": &a.createBuffer, "clCreateSubBuffer": &a.createSub, "clReleaseMemObject": &a.releaseMem, "clEnqueueMapBuffer": &a.mapBuffer,
		"clEnqueueUnmapMemObject": &a.unmap, "clEnqueueWriteBuffer": &a.write, "clEnqueueReadBuffer": &a.read, "clEnqueueCopyBuffer": &a.copyBuffer,
		"clEnqueueFillBuffer": &a.fill, "clCreateProgramWithSource": &a.createProgram, "clBuildProgram": &a.build, "clGetProgramBuildInfo": &a.buildInfo,
		"clCreateKernel": &a.createKernel, "clSetKernelArg": &a.setArg, "clEnqueueNDRangeKernel": &a.launch,
		"clEnqueueMarkerWithWaitList": &a.marker, "clEnqueueBarrierWithWaitList": &a.barrier, "clGetEventInfo": &a.eventInfo,
		"clGetEventProfilingInfo": &a.eventTime, "clWaitForEvents": &a.waitEvents, "clReleaseEvent": &a.releaseEvent, "clFinish": &a.finish, "clFlush": &a.flush,
		"clReleaseKernel": &a.releaseKernel, "clReleaseProgram": &a.releaseProgram,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: OpenCL 1.2: %w", device.ErrNotFound, err)
	}
	return a, nil
})

// Constants of cl.h.
const (
	typeGPU, typeAll                                                        = 1 << 2, 0xFFFFFFFF
	infoType, infoUnits, infoName, infoVersion                              = 0x1000, 0x1002, 0x102B, 0x102D
	infoAlign, infoMemory, infoSingle, infoPlatformName, infoBuildLog       = 0x1019, 0x101F, 0x101B, 0x0902, 0x1183
	memReadWrite, memHostPtr, mapRead, mapWrite, regionSub, profilingEnable = 1, 1 << 4, 1, 2, 0x1220, 2
	eventStatus, eventEnd                                                   = 0x11D3, 0x1283
	roundsDivision                                                          = 1 << 7
)

// names are the errors that people meet.
var names = map[int32]string{
	-1: "no device", -2: "device not available", -3: "compiler not available", -4: "no memory for the buffer", -5: "out of resources", -6: "out of host memory",
	-11: "the kernels do not compile", -14: "a command before it failed", -30: "invalid value", -36: "invalid queue", -38: "invalid memory object", -45: "invalid program",
	-46: "no kernel of this name", -48: "invalid kernel", -51: "an argument of another size", -52: "arguments missing", -54: "too many threads in a block", -61: "no buffer can be so large", -13: "an uneven address of a part",
}

// failed is the error of a code, nil for 0.
func failed(what string, code uintptr) error {
	c := int32(code)
	if c == 0 {
		return nil
	}
	name := names[c]
	if name == "" {
		name = "error"
	}
	err := fmt.Errorf("OpenCL: %s: %s (%d)", what, name, c)
	switch c {
	case -4, -6, -61:
		return fmt.Errorf("%w: %w", gpu.ErrNoMemory, err)
	case -2, -14, -36:
		return fmt.Errorf("%w: %w", gpu.ErrLost, err)
	}
	return err
}

// text asks for a string, of a platform or a device.
func text(fn, of uintptr, what uintptr) string {
	b := make([]byte, 1024)
	var n uintptr
	if dl.Call(fn, of, what, uintptr(len(b)), uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&n))) != 0 || n == 0 || n > uintptr(len(b)) {
		return ""
	}
	return string(b[:n-1])
}

// number asks a device for a number; 0 where it has none.
func (a *api) number(dev uintptr, what uintptr) int64 {
	var v uint64
	if dl.Call(a.deviceInfo, dev, what, 8, uintptr(unsafe.Pointer(&v)), 0) != 0 {
		return 0
	}
	return int64(v)
}
