// Command docsite writes the reference as static pages: those of pkgsite, the program behind pkg.go.dev, which
// it runs on this machine and asks for each package. What the pages say are the packages' doc comments, the
// text that inspection shows in a notebook. A search over them is added by pagefind (make docs).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

const (
	module = "github.com/fastnb/go"
	online = "https://pkg.go.dev" // where other modules' pages are
)

func main() {
	out := flag.String("out", "out/docs", "folder of the pages")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "docsite:", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to undo
	}
}

// run starts the command that serves pkgsite, with -http ADDRESS and the folder at its end.
func run(ctx context.Context, out string, command []string) error {
	if len(command) == 0 {
		return errors.New("usage: docsite [-out DIR] COMMAND... (the command that runs pkgsite)")
	}
	pkgs, err := packages(ctx)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], "-http", address, "-list=false", ".")...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 3 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		return err
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // it was told to end
	}()
	s := &site{base: "http://" + address, out: out, files: map[string]bool{}, pkgs: map[string]bool{}}
	for _, p := range pkgs {
		s.pkgs["/"+p] = true
	}
	if err := s.wait(ctx, "/"+module); err != nil {
		return err
	}
	for _, p := range pkgs {
		if err := s.page(ctx, "/"+p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	fmt.Printf("%d packages, %d files besides, in %s\n", len(pkgs), len(s.files), out)
	return s.front(pkgs)
}

// packages are those of the module that others may import.
func packages(ctx context.Context) ([]string, error) {
	b, err := exec.CommandContext(ctx, "go", "list", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var out []string
	for _, p := range strings.Fields(string(b)) {
		if !strings.Contains(p, "/internal/") && !strings.HasSuffix(p, "/kernel/bind") {
			out = append(out, p)
		}
	}
	sort.Strings(out)
	return out, nil
}

type site struct {
	base, out string
	pkgs      map[string]bool // paths with pages
	files     map[string]bool // styles, scripts and pictures that were fetched
}

func (s *site) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// wait asks until the server answers: it may have to be compiled first.
func (s *site) wait(ctx context.Context, path string) error {
	var err error
	for range 600 {
		if _, err = s.get(ctx, path); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return fmt.Errorf("pkgsite does not answer: %w", err)
}

var (
	chrome = regexp.MustCompile(`(?s)<header class="go-Header.*?</header>|<footer.*?</footer>|<aside class="go-Modal.*?</aside>|<div class="Cookie-notice.*?</div>|<script async src="https://www\.googletagmanager.*?</script>`)
	onDisk = regexp.MustCompile(`/files/[^"<]*`) // where this copy of the module lies
	attr   = regexp.MustCompile(`(href|src|srcset)="(/[^"]*)"`)
	inCSS  = regexp.MustCompile(`url\(["']?(/[^"')]+)["']?\)`)
	inJS   = regexp.MustCompile(`loadScript\(["'](/[^"']+)["']|["'](/static/[^"'?]+\.js)[^"']*["']`)
)

// search is the box above each page; without pagefind's files it stays empty.
const search = `<div style="max-width:70rem;margin:1rem auto;padding:0 1rem"><a href="%[1]sindex.html">fastnb: all packages</a><div id="search"></div></div>
<link href="%[1]spagefind/pagefind-ui.css" rel="stylesheet"><script src="%[1]spagefind/pagefind-ui.js"></script>
<style>.UnitMeta,.go-Main-headerDetails,.go-Breadcrumb,.go-Main-headerTitle button{display:none}</style>
<script>if(window.PagefindUI)new PagefindUI({element:"#search",showSubResults:true,showImages:false});</script>`

// page writes one package's page.
func (s *site) page(ctx context.Context, path string) error {
	b, err := s.get(ctx, path)
	if err != nil {
		return err
	}
	up := strings.Repeat("../", strings.Count(path, "/"))
	html := chrome.ReplaceAllString(string(b), "")
	html = onDisk.ReplaceAllString(html, module)
	html = inJS.ReplaceAllStringFunc(html, func(m string) string {
		sub := inJS.FindStringSubmatch(m)
		return strings.Replace(m, sub[1]+sub[2], s.link(ctx, sub[1]+sub[2], up), 1)
	})
	html = attr.ReplaceAllStringFunc(html, func(m string) string {
		sub := attr.FindStringSubmatch(m)
		return fmt.Sprintf(`%s="%s"`, sub[1], s.link(ctx, sub[2], up))
	})
	html = strings.Replace(html, "<main", fmt.Sprintf(search, up)+"<main data-pagefind-body", 1)
	return write(filepath.Join(s.out, filepath.FromSlash(path), "index.html"), []byte(html))
}

// link is where a page finds what was at path on the server; files are fetched.
func (s *site) link(ctx context.Context, path, up string) string {
	bare, frag, _ := strings.Cut(path, "#")
	if frag != "" {
		frag = "#" + frag
	}
	bare, _, _ = strings.Cut(bare, "?")
	switch {
	case bare == "":
		return frag
	case s.pkgs[bare]:
		return up + bare[1:] + "/index.html" + frag
	case strings.HasPrefix(bare, "/static/") || strings.HasPrefix(bare, "/third_party/"):
		s.file(ctx, bare)
		return up + bare[1:]
	}
	return online + path
}

// file fetches a style, script or picture, and what a style names. One that is missing is not worth ending for.
func (s *site) file(ctx context.Context, path string) {
	if s.files[path] {
		return
	}
	s.files[path] = true
	b, err := s.get(ctx, path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "docsite: left out:", err)
		return
	}
	if strings.HasSuffix(path, ".css") {
		up := strings.Repeat("../", strings.Count(path, "/")-1)
		b = inCSS.ReplaceAllFunc(b, func(m []byte) []byte {
			return []byte("url(" + s.link(ctx, string(inCSS.FindSubmatch(m)[1]), up) + ")")
		})
	}
	if err := write(filepath.Join(s.out, filepath.FromSlash(path)), b); err != nil {
		fmt.Fprintln(os.Stderr, "docsite:", err)
	}
}

// front writes the list of packages.
func (s *site) front(pkgs []string) error {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>fastnb</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}a{color:#6cb6ff}}</style></head><body><h1>fastnb</h1>")
	fmt.Fprintf(&b, search, "")
	b.WriteString("<main><ul>\n")
	for _, p := range pkgs {
		name := strings.TrimPrefix(strings.TrimPrefix(p, module), "/")
		if name == "" {
			name = module
		}
		fmt.Fprintf(&b, "<li><a href=\"%s/index.html\">%s</a>\n", p, name)
	}
	b.WriteString("</ul></main></body></html>\n")
	return write(filepath.Join(s.out, "index.html"), []byte(b.String()))
}

func write(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o644)
}
