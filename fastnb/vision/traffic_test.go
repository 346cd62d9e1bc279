package vision

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/nn"
)

// counted is a processor whose queues can be asked what went through them.
type counted struct {
	device.Device
	mu     sync.Mutex
	queues []device.Queue
}

func (c *counted) NewQueue() device.Queue {
	q := c.Device.NewQueue()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queues = append(c.queues, q)
	return q
}

func (c *counted) Close() error { return nil } // the test closes the processor

func (c *counted) stats() (s device.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range c.queues {
		one := q.Stats()
		s.Up, s.Down = s.Up+one.Up, s.Down+one.Down
	}
	return s
}

var countedDevice = &counted{}

func init() {
	device.Register("counted", -100, func() (device.Device, error) {
		if countedDevice.Device == nil {
			return nil, errors.New("it is for one test")
		}
		return countedDevice, nil
	})
}

// TestSegmentationTraffic: of a training step on masks, pictures go up as the loader has them, bytes where nothing has
// computed with them, and masks as a byte a pixel; the loss comes down and nothing else. TRAFFIC_SIDE=96 is the size of
// the figures in docs/benchmarks.md.
func TestSegmentationTraffic(t *testing.T) {
	cpu, err := device.Open("cpu") // not in the driver, which nobody else can be opened from
	check(t, err)
	defer func() { check(t, cpu.Close()) }()
	countedDevice.Device = cpu
	h := 16
	if s := os.Getenv("TRAFFIC_SIDE"); s != "" {
		h, _ = strconv.Atoi(s)
	}
	w, bs := h*4/3/8*8, 4
	dir := datasets.NewPath(t.TempDir()).Join("camvid")
	check(t, datasets.SampleData("camvid", dir, 16, datasets.TwinSize(max(h, 16), max(w, 16))))
	codes, err := data.LoadStrings(dir.Join("codes.txt"))
	check(t, err)
	for _, c := range []struct {
		name    string
		tfms    data.Augmenter
		picture int64 // bytes of a value
	}{{"bytes", nil, 1}, {"warped", GetTransforms(PAffine(1)), 4}} {
		d, err := SegmentationListFromFolder(dir.Join("images")).SplitByIdx([]int{0, 1, 2, 3}).
			LabelFromFunc(func(p datasets.Path) datasets.Path { return dir.Join("labels", p.Stem()+"_P"+p.Ext()) }, data.Classes(codes...)).
			Transform(c.tfms, data.Size(h, w), data.TfmY(true)).Normalize(ImageNetStats).DataBunch(data.BS(bs))
		check(t, err)
		net := nn.NewSequential(nn.NewConv2D(3, len(codes), 1))
		nn.NamePaths(net, "")
		l, err := fastnb.NewLearner(d, net, nil, fastnb.Silent(true), fastnb.OnDevice("counted"))
		check(t, err)
		var steps []device.Stats
		count := fastnb.Callback{Blind: true, AfterStep: func(*fastnb.Learner) error {
			steps = append(steps, countedDevice.stats())
			return nil
		}}
		check(t, l.Fit(1, fastnb.LR(1e-3), fastnb.Callbacks(count)))
		if len(steps) != 3 {
			t.Fatal(len(steps), "steps")
		}
		step := steps[2].Sub(steps[1])
		pixels := int64(bs * h * w)
		rest := step.Up - pixels*3*c.picture - pixels
		t.Logf("%s, a batch of %d at %dx%d: %d bytes up, %d down (%d up if masks were int64)", c.name, bs, h, w, step.Up, step.Down, step.Up+7*pixels)
		if rest < 16 || rest > 300 || step.Down != 4 { // the seed and the hyper-parameters of one group
			t.Errorf("%s: %s", c.name, fmt.Sprintf("%d bytes up beside pictures and masks, %d down", rest, step.Down))
		}
		l.Destroy()
	}
}
