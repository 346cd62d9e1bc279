package vision

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
)

func TestDownloadImages(t *testing.T) {
	t.Setenv("FASTNB_OFFLINE", "")
	var asked atomic.Int64 // requests, answered side by side
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow.jpg":
			time.Sleep(time.Second)
		case "/none.jpg":
			w.WriteHeader(http.StatusNotFound)
		default:
			asked.Add(1)
			_, _ = fmt.Fprint(w, "picture") // the client sees what is missing
		}
	}))
	defer srv.Close()
	dir := datasets.NewPath(t.TempDir())
	urls, dest := dir.Join("urls.csv"), dir.Join("black")
	text := strings.Join([]string{srv.URL + "/a.png?size=1", "", srv.URL + "/none.jpg", srv.URL + "/slow.jpg", "file:///etc/passwd", srv.URL + "/plain", srv.URL + "/beyond.jpg"}, "\n")
	if err := urls.WriteText(text); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing is fetched again
		n, err := DownloadImages(urls, dest, MaxPics(5), PicTimeout(200*time.Millisecond))
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
	}
	files, _ := filepath.Glob(dest.Join("*").String())
	if len(files) != 2 || filepath.Base(files[0]) != "00000000.png" || filepath.Base(files[1]) != "00000004.jpg" || asked.Load() != 2 {
		t.Errorf("%v, asked %d times", files, asked.Load())
	}
	if left, _ := filepath.Glob(dest.Join(".coming-*").String()); len(left) > 0 {
		t.Error("left:", left)
	}
	if _, err := DownloadImages(dir.Join("no.csv"), dest); err == nil {
		t.Error("a file that is not there")
	}
	t.Setenv("FASTNB_OFFLINE", "1")
	if _, err := DownloadImages(urls, dest); err == nil || !strings.Contains(err.Error(), "FASTNB_OFFLINE") {
		t.Error(err)
	}
}
