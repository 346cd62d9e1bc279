package serve

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var built struct {
	once sync.Once
	file string
	err  error
}

// program is a fastnb made of the sources here, for servers without a card: it needs no library.
func program(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program")
	}
	built.once.Do(func() {
		built.file = filepath.Join(exports, "fastnb")
		cmd := exec.Command("go", "build", "-tags", "nogpu", "-ldflags", "-s -w", "-o", built.file, "../cmd/fastnb")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	check(t, built.err)
	return built.file
}

// running is a program that serves.
type running struct {
	*exec.Cmd
	url    string // as it says
	stderr *bytes.Buffer
	ended  chan error
}

// run starts a command that serves and waits until it says where.
func run(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{Cmd: cmd, stderr: &bytes.Buffer{}, ended: make(chan error, 1)}
	cmd.Stderr = r.stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, out); r.ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var ok bool
	if r.url, ok = strings.CutPrefix(strings.TrimSpace(line), "serving at "); !ok || err != nil {
		t.Fatalf("%q %v\n%s", line, err, r.stderr)
	}
	return r
}

// end tells the program to end as a host does, and gives what it came to.
func (r *running) end(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return // there is no such signal
	}
	check(t, r.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-r.ended:
		if err != nil {
			t.Errorf("it ended with %v\n%s", err, r.stderr)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
}

func get1(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	check(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	check(t, err)
	return r.StatusCode, string(b)
}

var fromTo = regexp.MustCompile(`(?m)^COPY (\S+) (\S+)$`)

// The starter's folder serves its own page, the edited one once it is edited; its Dockerfile, followed line by line,
// makes an image in which the program runs with nothing around it.
func TestStarter(t *testing.T) {
	bin, dir := program(t), filepath.Join(t.TempDir(), "My Bears!")
	out, err := exec.Command(bin, "serve", "--init", dir, "colours="+pictures.export(t).String()).CombinedOutput()
	if err != nil || strings.Contains(string(out), "missing") && runtime.GOOS == "linux" {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(bin, "serve", "--init", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "is there already") {
		t.Errorf("a second time: %v %s", err, out)
	}
	index := filepath.Join(dir, "page", "index.html")
	r := run(t, exec.Command(bin, "serve", filepath.Join(dir, "models", "colours.fastnb"), "--static", filepath.Join(dir, "page"), "--addr", "127.0.0.1:0", "--quiet"))
	if _, page := get1(t, r.url); !strings.Contains(page, "<h1 id=\"title\">Ask the model</h1>") {
		t.Error(page)
	}
	b, err := os.ReadFile(index)
	check(t, err)
	write(t, index, bytes.Replace(b, []byte("Ask the model</h1>"), []byte("Which bear is it?</h1>"), 1))
	write(t, filepath.Join(dir, "page", "about.html"), []byte("made by us"))
	if _, page := get1(t, r.url); !strings.Contains(page, "Which bear is it?") {
		t.Error("the edited page is not served")
	}
	for path, want := range map[string]string{"static/about.html": "made by us", "camera": "the camera", "static/style.css": "--accent", "static/camera.js": "use strict"} {
		if status, got := get1(t, r.url+path); status != 200 || !strings.Contains(got, want) {
			t.Errorf("%s: %d %.100s", path, status, got)
		}
	}
	r.end(t)

	for name, want := range map[string]string{"fly.toml": `app = "my-bears"`, "render.yaml": "name: my-bears", "app.yaml": "runtime: custom", "README.md": "models/colours.fastnb", ".dockerignore": "!models"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %v\n%s", name, err, b)
		}
	}
	inAnImage(t, dir)
}

// inAnImage follows a Dockerfile that starts from nothing, and runs what it says in a root of its own.
func inAnImage(t *testing.T, dir string) {
	docker, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	check(t, err)
	command := regexp.MustCompile(`"([^"]*)"`)
	line := func(word string) (args []string) {
		for _, m := range command.FindAllStringSubmatch(regexp.MustCompile("(?m)^"+word+" .*$").FindString(string(docker)), -1) {
			args = append(args, m[1])
		}
		return args
	}
	args := append(line("ENTRYPOINT"), line("CMD")...)
	if !bytes.Contains(docker, []byte("\nFROM scratch\n")) || len(fromTo.FindAllSubmatch(docker, -1)) != 3 || len(args) < 6 {
		t.Fatalf("%s", docker)
	}
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("only root may have a root of its own")
	}
	root := t.TempDir()
	check(t, os.Chmod(root, 0o755))
	for _, m := range fromTo.FindAllStringSubmatch(string(docker), -1) {
		check(t, exec.Command("cp", "-r", filepath.Join(dir, m[1]), filepath.Join(root, m[2])).Run())
	}
	for i, a := range args {
		if a == "0.0.0.0:8080" {
			args[i] = "127.0.0.1:0" // the port may be somebody's here
		}
	}
	cmd := exec.Command(args[0], args[1:]...)
	inRoot(cmd, root)
	cmd.Env, cmd.Dir = []string{}, "/"
	r := run(t, cmd)
	if status, page := get1(t, r.url); status != 200 || !strings.Contains(page, "Which bear is it?") {
		t.Errorf("%d %s", status, page)
	}
	var a answer
	if status := ask(t, r.url+"api/predict", bytes.NewReader(pngOf(t, square(40, 9, red))), "image/png", &a); status != 200 || a.Result != "red" {
		t.Errorf("%d %+v\n%s", status, a, r.stderr)
	}
	r.end(t)
}

// A bundle is one file that serves its models and its page, wherever it lies.
func TestBundle(t *testing.T) {
	bin, dir := program(t), t.TempDir()
	write(t, filepath.Join(dir, "page", "index.html"), []byte("the bundle's page"))
	app := filepath.Join(dir, "app")
	out, err := exec.Command(bin, "serve", "--bundle", app, "--static", filepath.Join(dir, "page"), "colours="+pictures.export(t).String(), "texts="+texts.export(t).String()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	check(t, os.RemoveAll(filepath.Join(dir, "page")))
	cmd := exec.Command(app, "--addr", "127.0.0.1:0", "--quiet")
	cmd.Dir = "/"
	r := run(t, cmd)
	for path, want := range map[string]string{"": "the bundle's page", "static/client.js": "use strict", "api/models": `"name":"texts"`} {
		if status, got := get1(t, r.url+path); status != 200 || !strings.Contains(got, want) {
			t.Errorf("/%s: %d %.200s", path, status, got)
		}
	}
	var a answer
	if status := ask(t, r.url+"api/predict", bytes.NewReader(pngOf(t, square(40, 9, blue))), "image/png", &a); status != 200 || a.Result != "blue" {
		t.Errorf("%d %+v", status, a)
	}
	r.end(t)
	for want, args := range map[string][]string{
		"is a bundle already": {bin, "serve", "--bundle", app + "2", "--program", app, pictures.export(t).String()},
		"unknown command":     {app, "kernel"},
		"two models":          {bin, "serve", "--bundle", app + "2", pictures.export(t).String(), pictures.export(t).String()},
		"no such file":        {bin, "serve", "--bundle", app + "2", filepath.Join(dir, "none.fastnb")},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v %s", want, err, out)
		}
	}
	if _, err := os.Stat(app + "2"); err == nil {
		t.Error("half a bundle was left")
	}
	// A byte of a model that was changed is found out; the program says so and serves nothing.
	b, err := os.ReadFile(app)
	check(t, err)
	b[len(b)-len(b)/200] ^= 1
	check(t, os.WriteFile(app+"3", b, 0o777))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, app+"3", "--addr", "127.0.0.1:0").CombinedOutput(); err == nil || !strings.HasPrefix(string(out), "fastnb: ") || strings.Contains(string(out), "goroutine") {
		t.Errorf("%v %s", err, out)
	}
}
