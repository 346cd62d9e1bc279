package double

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

//go:embed c/*.c c/*.h ptx2c/*.go
var sources embed.FS

// T is what Build needs of a test.
type T interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Build gives the path of the double's libcuda.so.1, which it builds when there is none of these sources. Where
// it cannot be built, for want of gcc, the test is skipped; with FASTNB_CI set it fails.
func Build(t T) string {
	t.Helper()
	path, err := Path()
	switch {
	case err == nil:
	case errors.Is(err, errNoCompiler) && os.Getenv("FASTNB_CI") == "":
		t.Skipf("the CUDA double is not tested: %v", err)
	default:
		t.Fatalf("the CUDA double: %v", err)
	}
	return path
}

var errNoCompiler = errors.New("no gcc (try apt-get install gcc libc6-dev)")

var built struct {
	once sync.Once
	path string
	err  error
}

// Path gives the library's path, for FASTNB_LIBCUDA, and builds it if it has to.
func Path() (string, error) {
	built.once.Do(func() { built.path, built.err = build() })
	return built.path, built.err
}

// build makes the folder of these sources under this compiler: libcuda.so.1, ptx2c, and the kernels that follow.
func build() (string, error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("%w: the double is for Linux", errNoCompiler)
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "gcc"
	}
	version, err := exec.Command(cc, "--version").Output()
	if err != nil {
		return "", errNoCompiler
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("%w: ptx2c is built by the go command, which is not on the PATH", errNoCompiler)
	}
	flags := machineFlags()
	// What is compiled of kernels does not depend on all of the sources, and outlives changes of the rest.
	whole, kernels := sha256.New(), sha256.New()
	for _, h := range []io.Writer{whole, kernels} {
		fmt.Fprintf(h, "%s %s %s", version, flags, runtime.GOARCH)
	}
	err = each(func(name string, text []byte) error {
		fmt.Fprintf(whole, "\n%s %d\n%s", name, len(text), text)
		if strings.HasPrefix(name, "ptx2c/") || name == "c/kernel.h" || name == "c/ops.h" || name == "c/half.h" {
			fmt.Fprintf(kernels, "\n%s %d\n%s", name, len(text), text)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	root, err := cacheRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, fmt.Sprintf("double-%x", whole.Sum(nil)[:6]))
	cache := filepath.Join(root, fmt.Sprintf("kernels-%x", kernels.Sum(nil)[:6]))
	lib := filepath.Join(dir, "libcuda.so.1")
	if _, err := os.Stat(lib); err == nil {
		now := time.Now()
		_ = os.Chtimes(dir, now, now)
		_ = os.Chtimes(cache, now, now)
		return lib, nil
	}
	prune(root)
	return lib, assemble(dir, cache, cc, goTool, flags)
}

// assemble builds in a folder of its own, and moves that into place whole.
func assemble(dir, cache, cc, goTool, flags string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".double-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	var files []string
	err = each(func(name string, text []byte) error {
		to := filepath.Join(tmp, strings.Replace(name, "c/", "include/", 1))
		if strings.HasPrefix(name, "ptx2c/") {
			to = filepath.Join(tmp, "src", name)
		}
		if strings.HasSuffix(name, ".c") {
			files = append(files, to)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	})
	if err != nil {
		return err
	}
	src := filepath.Join(tmp, "src", "ptx2c")
	if err := os.WriteFile(filepath.Join(src, "go.mod"), []byte("module ptx2c\n\ngo 1.24\n"), 0o644); err != nil {
		return err
	}
	ptx2c := exec.Command(goTool, "build", "-trimpath", "-ldflags", "-X main.machineFlags="+strings.ReplaceAll(flags, " ", "\u00a0"), "-o", filepath.Join(tmp, "ptx2c"), ".")
	ptx2c.Dir = src
	ptx2c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := ptx2c.CombinedOutput(); err != nil {
		return fmt.Errorf("ptx2c: %w\n%s", err, out)
	}
	args := append(strings.Fields("-O2 -w -shared -fPIC -fno-strict-aliasing -fwrapv "+flags), `-DCACHE="`+cache+`"`, `-DPTX2C="`+filepath.Join(dir, "ptx2c")+`"`,
		"-Wl,-soname,libcuda.so.1", "-o", filepath.Join(tmp, "libcuda.so.1"))
	args = append(append(args, files...), "-lm", "-ldl", "-lpthread")
	if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cc, err, out)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(filepath.Join(dir, "libcuda.so.1")); there == nil {
			return nil // another process was as quick
		}
		return err
	}
	return nil
}

// each goes through the sources, in order.
func each(f func(name string, text []byte) error) error {
	return fs.WalkDir(sources, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		return f(name, text)
	})
}

// cacheRoot is where built doubles and kernels stay.
func cacheRoot() (string, error) {
	root := os.Getenv("FASTNB_DOUBLE_CACHE")
	if root == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("%w (try FASTNB_DOUBLE_CACHE)", err)
		}
		root = filepath.Join(cache, "fastnb", "cuda-double")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	return root, os.MkdirAll(root, 0o755)
}

// prune removes what other sources left and nobody has used for two weeks.
func prune(root string) {
	dirs, _ := filepath.Glob(filepath.Join(root, "[dk]*-*"))
	for _, d := range dirs {
		if s, err := os.Stat(d); err == nil && time.Since(s.ModTime()) > 14*24*time.Hour {
			_ = os.RemoveAll(d)
		}
	}
}

// machineFlags let the compiler use what this processor has for half precision.
func machineFlags() string {
	if runtime.GOARCH != "amd64" {
		return ""
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	flags := ""
	for _, f := range []string{"f16c", "fma", "avx2"} {
		if strings.Contains(string(info), " "+f+" ") {
			flags += " -m" + f
		}
	}
	return flags
}
