package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/text"
)

// A language model writes word by word, and what it writes is what the library writes.
func TestGenerate(t *testing.T) {
	file := writer.export(t)
	s, url := start(t, Config{}, Source{Name: "w", Path: file})
	m, err := fastnb.LoadModel(file)
	check(t, err)
	defer m.Close()
	want, err := text.Generate(context.Background(), m, "a good", 9, 7, nil, text.Temperature(.5))
	check(t, err)

	var got written
	if status := ask(t, url+"/api/models/w/generate", strings.NewReader(`{"text": "a good", "words": 9, "seed": 7, "temperature": 0.5}`), "application/json", &got); status != 200 || got.Result != want || got.Seed != 7 {
		t.Errorf("%d %+v, the library writes %q", status, got, want)
	}
	r, err := http.NewRequest(http.MethodPost, url+"/api/generate", strings.NewReader(`{"text": "a good", "words": 9, "seed": 7, "temperature": 0.5}`))
	check(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("events come as %s", kind)
	}
	var kinds []string
	var last written
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if k, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			kinds = append(kinds, k)
		}
		if d, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			check(t, json.Unmarshal([]byte(d), &last))
		}
	}
	if strings.Join(kinds, " ") != strings.Repeat("word ", 9)+"done" || last.Result != want {
		t.Errorf("events %v, the last %+v; want %q", kinds, last, want)
	}
	// A client that knows of classes only gets the text as its result.
	var a answer
	if status := ask(t, url+"/analyze", strings.NewReader("a bad film"), "text/plain", &a); status != 200 || !strings.HasPrefix(a.Result, "a bad film ") {
		t.Errorf("%d %+v", status, a)
	}
	for body, says := range map[string]string{
		`{"text": "a", "words": 0}`: "words cannot be written", `{"text": "a", "words": 9999}`: "words cannot be written", `{"text": ""}`: "empty",
		`{"text": "a", "temperature": 0}`: "temperature", `{"text": "a", "temperature": -1}`: "temperature", `{"text": "a", "min_p": 1}`: "min_p", `{`: "JSON", `{"text": 5}`: "JSON",
	} {
		var e map[string]string
		if status := ask(t, url+"/api/generate", strings.NewReader(body), "application/json", &e); status != 400 || !strings.Contains(e["error"], says) {
			t.Errorf("%s: %d %v", body, status, e)
		}
	}
	// Who goes in the middle stops the writing.
	ctx, cancel := context.WithCancel(context.Background())
	r, err = http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/generate", strings.NewReader(`{"text": "a good", "words": 500}`))
	check(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	resp2, err := http.DefaultClient.Do(r)
	check(t, err)
	_, err = resp2.Body.Read(make([]byte, 10))
	check(t, err)
	cancel()
	_ = resp2.Body.Close()
	for deadline := time.Now().Add(10 * time.Second); len(s.queue) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is still writing")
		}
	}
}

func TestGenerateNeedsALanguageModel(t *testing.T) {
	_, url := start(t, Config{}, Source{Name: "p", Path: pictures.export(t)}, Source{Name: "w", Path: writer.export(t)})
	var e map[string]string
	if status := ask(t, url+"/api/models/p/generate", strings.NewReader("hello"), "text/plain", &e); status != 400 || !strings.Contains(e["error"], "try predict") {
		t.Errorf("%d %v", status, e)
	}
	if status := ask(t, url+"/api/models/w/predict", strings.NewReader("\x89PNG"), "image/png", &e); status != 400 || !strings.Contains(e["error"], "part named text") {
		t.Errorf("%d %v", status, e)
	}
}

// The words that mattered are those the library names.
func TestWordsThatMatter(t *testing.T) {
	file := texts.export(t)
	_, url := start(t, Config{}, Source{Name: "t", Path: file})
	m, err := fastnb.LoadModel(file)
	check(t, err)
	defer m.Close()
	for body, result := range map[string]string{"a good film number 40": "pos", "a bad film number 41": "neg"} {
		var a answer
		if status := ask(t, url+"/api/predict?words=1", strings.NewReader(body), "text/plain", &a); status != 200 || len(a.Words) != 5 || a.Result != result {
			t.Fatalf("%d %+v", status, a)
		}
		_, want, err := text.Attention(context.Background(), m, body, -1)
		check(t, err)
		for i, w := range a.Words[:4] { // the library's first is the text's beginning; the number is not known
			if w.Text != strings.Fields(body)[i] || math.Abs(w.Weight-want[i+1]) > 1e-6 {
				t.Errorf("%v, the library says %v", a.Words, want)
			}
		}
		var plain answer
		if ask(t, url+"/api/predict", strings.NewReader(body), "text/plain", &plain); plain.Words != nil {
			t.Errorf("words came unasked: %v", plain.Words)
		}
	}
	got := readable([]string{"xxbos", "xxmaj", "the", "xxup", "bbc", "xxunk"}, []float64{.9, .2, .1, .1, .3, 0})
	if want := (word{"The", .2}); got[0] != want || got[1].Text != "BBC" || got[2].Text != "?" {
		t.Error(got)
	}
}
