// Command serve makes the model that `make bench-serve` serves, and asks servers on this machine for answers.
//
//	serve export FOLDER            a ResNet34 for 128 pixels, barely trained, as FOLDER/bears.fastnb, and pictures
//	serve load [flags] PICTURE...  so many clients for so many seconds; prints a line of JSON
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/vision"
)

func main() {
	err := errors.New("usage: serve export FOLDER | serve load -url URL -clients N -seconds S PICTURE")
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "export":
			err = export(os.Args[2])
		case "load":
			err = load(os.Args[2:])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// export writes model and pictures.
func export(dir string) error {
	bears, err := datasets.GetData("bears", datasets.UseTwin(true), datasets.Tiles(60))
	if err != nil {
		return err
	}
	data.Seed(1)
	d, err := vision.ImageListFromFolder(bears).SplitByRandPct(.2).LabelFromFolder().
		Transform(nil, data.Size(128)).Normalize(vision.ImageNetStats).DataBunch(data.BS(16))
	if err != nil {
		return err
	}
	l, err := vision.CNNLearner(d, models.ResNet34, fastnb.Pretrained(false), fastnb.Silent(true), fastnb.ModelPath(datasets.NewPath(dir)))
	if err != nil {
		return err
	}
	if err := l.FitOneCycle(1, fastnb.LR(1e-4)); err != nil { // so that batch norm has seen pictures
		return err
	}
	for i, p := range d.ValidDS.Items() {
		b, err := os.ReadFile(p.String())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.jpg", i)), b, 0o666); err != nil {
			return err
		}
	}
	return l.Export("bears.fastnb")
}

// figures are what a run comes to.
type figures struct {
	Clients  int            `json:"clients"`
	Seconds  float64        `json:"seconds"`
	Answers  int            `json:"answers"`
	Rate     float64        `json:"per_second"`
	P50      float64        `json:"p50_ms"`
	P99      float64        `json:"p99_ms"`
	Statuses map[string]int `json:"not_200"`
}

// client is one who asks, waits for the answer, and asks again.
type client struct {
	took   []time.Duration
	others map[string]int
}

func (c *client) ask(to string, body []byte) {
	began := time.Now()
	r, err := http.Post(to, "image/jpeg", bytes.NewReader(body))
	if err != nil {
		c.others["no answer"]++
		return
	}
	_, err = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	switch {
	case err != nil:
		c.others["cut off"]++
	case r.StatusCode != http.StatusOK:
		c.others[r.Status]++
	default:
		c.took = append(c.took, time.Since(began))
	}
}

// load asks for answers.
func load(args []string) error {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	to := f.String("url", "", "address that takes a picture as the whole body; on this machine")
	clients := f.Int("clients", 1, "how many ask at the same time, at most 256")
	seconds := f.Float64("seconds", 10, "for how long, at most 3600")
	if err := f.Parse(args); err != nil {
		return err
	}
	u, err := url.Parse(*to)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%q: only servers on this machine are asked (try http://127.0.0.1:PORT/)", *to)
	}
	if *clients < 1 || *clients > 256 || *seconds <= 0 || *seconds > 3600 || f.NArg() == 0 {
		return errors.New("clients from 1 to 256, seconds to 3600, and at least one picture")
	}
	var pictures [][]byte
	for _, name := range f.Args() {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		pictures = append(pictures, b)
	}
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = *clients
	all := make([]client, *clients)
	began := time.Now()
	end := began.Add(time.Duration(*seconds * float64(time.Second)))
	var wg sync.WaitGroup
	for k := range all {
		all[k].others = map[string]int{}
		wg.Go(func() {
			for i := k; time.Now().Before(end); i++ {
				all[k].ask(*to, pictures[i%len(pictures)])
			}
		})
	}
	wg.Wait()
	return json.NewEncoder(os.Stdout).Encode(sum(all, time.Since(began)))
}

// sum adds clients up.
func sum(all []client, took time.Duration) figures {
	out := figures{Clients: len(all), Seconds: took.Seconds(), Statuses: map[string]int{}}
	var times []time.Duration
	for _, c := range all {
		times = append(times, c.took...)
		for status, n := range c.others {
			out.Statuses[status] += n
		}
	}
	slices.Sort(times)
	if n := len(times); n > 0 {
		ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
		out.Answers, out.Rate, out.P50, out.P99 = n, float64(n)/took.Seconds(), ms(times[n/2]), ms(times[min(n-1, n*99/100)])
	}
	return out
}
