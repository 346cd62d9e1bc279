package badinput

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
)

// secondKernel is the environment's variable that makes the test's binary fetch a data set and leave.
const secondKernel = "FASTNB_BADINPUT_FETCH"

func downloadMistakes() []mistake {
	hostile := func(input string, h tar.Header) mistake {
		return mistake{input: input, after: "nothing is unpacked", make: func(d *desk) error {
			b := archive(h, "")
			address := d.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) })
			_, err := datasets.UntarData(datasets.URL{Name: "flowers", Address: address + "/flowers.tgz"})
			if left, _ := filepath.Glob(filepath.Join(d.dir, "home", "data", "flowers", "*")); len(left) > 0 {
				d.t.Error("left behind:", left)
			}
			return err
		}}
	}
	return []mistake{
		{input: "interrupted download", after: "the next call goes on where it stopped", make: interrupted},
		{input: "wrong checksum", after: "the file is removed", make: func(d *desk) error {
			b := archive(tar.Header{Name: "flowers/a.txt"}, "a rose")
			address := d.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) })
			_, err := datasets.UntarData(datasets.URL{Name: "flowers", Address: address + "/flowers.tgz", MD5: "00000000000000000000000000000000"})
			return err
		}, vary: func(msg string) string { return regexp.MustCompile(`is [0-9a-f]{32}`).ReplaceAllString(msg, "is N") }},
		hostile("archive with `../`", tar.Header{Name: "../evil", Typeflag: tar.TypeReg}),
		hostile("archive with absolute paths", tar.Header{Name: "/etc/evil", Typeflag: tar.TypeReg}),
		hostile("archive with links out", tar.Header{Name: "flowers", Typeflag: tar.TypeSymlink, Linkname: "/etc"}),
		{input: "two kernels writing one cache", after: "the second waits and then finds the data set there, fetched once", make: twoKernels},
		{input: "read-only home", after: "nothing was done", only: "linux", make: func(d *desk) error {
			d.t.Setenv("FASTNB_HOME", "/sys/fastnb") // nobody may write there, root included
			_, err := datasets.GetData("camvid")
			if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
				d.t.Error("not for want of permission:", err)
			}
			return err
		}, vary: func(msg string) string {
			for _, why := range []string{"permission denied", "operation not permitted"} {
				msg = strings.ReplaceAll(msg, why, "read-only file system")
			}
			return msg
		}},
	}
}

// interrupted breaks a download off half-way and fetches again.
func interrupted(d *desk) error {
	b := archive(tar.Header{Name: "flowers/a.txt"}, strings.Repeat("a rose is a rose\n", 999))
	half, stalls := len(b)/2, true
	var ranges []string
	address := d.serve(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		if stalls {
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			_, _ = w.Write(b[:half])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		http.ServeContent(w, r, "", time.Unix(1, 0), bytes.NewReader(b))
	})
	u := datasets.URL{Name: "flowers", Address: address + "/flowers.tgz", Size: int64(len(b))}
	err := interruptAfter(500*time.Millisecond, func() error { _, err := datasets.UntarData(u); return err })
	if !errors.Is(err, cell.ErrInterrupted) {
		d.t.Error("not an interrupt:", err)
	}
	stalls = false
	p, again := datasets.UntarData(u)
	if again != nil || !p.Join("a.txt").Exists() || len(ranges) != 2 || ranges[1] != fmt.Sprintf("bytes=%d-", half) {
		d.t.Errorf("the next try: %v %v, asked for %q", p, again, ranges)
	}
	return err
}

// twoKernels fetches one data set from two processes at once; what the second is shown is the message.
func twoKernels(d *desk) error {
	if runtime.GOOS == "plan9" || runtime.GOOS == "js" {
		d.t.Skip("no locks here")
	}
	b := archive(tar.Header{Name: "flowers/a.txt"}, "a rose")
	var asked atomic.Int32
	begun, finish := make(chan struct{}), make(chan struct{})
	address := d.serve(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			close(begun)
		}
		<-finish
		_, _ = w.Write(b)
	}) + "/flowers.tgz"
	exe, err := os.Executable()
	d.must(err)
	other := exec.Command(exe)
	other.Env = append(os.Environ(), secondKernel+"="+address)
	var out, errs strings.Builder
	other.Stdout, other.Stderr = &out, &errs
	d.must(other.Start())
	<-begun
	s := &screen{shown: make(chan struct{})}
	go func(shown <-chan struct{}) { <-shown; close(finish) }(s.shown)
	leave := cell.Enter(d.t.Context(), s)
	p, err := datasets.UntarData(datasets.URL{Name: "flowers", Address: address})
	leave()
	if e := other.Wait(); e != nil || err != nil || !strings.Contains(out.String(), p.String()) || asked.Load() != 1 || !p.Join("a.txt").Exists() {
		d.t.Errorf("%v: %v and %v, fetched %d times: %s%s", p, err, e, asked.Load(), out.String(), errs.String())
	}
	for _, text := range s.texts {
		if strings.Contains(text, "waiting") {
			return errors.New(text)
		}
	}
	return nil
}
