package main

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// stepWork is one piece of work that bench/torch_step.py does too: a step of training, a pass of inference
// or words made one by one.
type stepWork struct {
	kind    string // "train", "infer", "generate", or "epoch": training on JPEGs that are read, see tilesBeside
	net     func() (nn.Layer, error)
	bs      int
	size    [2]int  // of the pictures; of a text: words in a row, and 0
	classes int     // or words in the vocabulary
	perMap  bool    // a class for each pixel
	points  bool    // numbers from -1 to 1 as targets, and their mean squared error
	answers int     // of a text: classes of the whole text; 0: a language model
	lr      float64 // of a work whose batches differ and can be learnt from: see lesson
	bytes   bool    // pictures go up as bytes and are normalised on the device, as a learner's do
}

// lossOf is the loss of the work.
func (w stepWork) lossOf() nn.Loss {
	if w.points {
		return nn.MSELossFlat
	}
	return nn.CrossEntropyFlat
}

// workNames are the names of stepWorks in order.
func workNames() []string { return slices.Sorted(maps.Keys(stepWorks())) }

// stepWorks are the names that `make bench-torch` knows.
func stepWorks() map[string]stepWork {
	lm := func(words, emb, hid int) func() (nn.Layer, error) {
		return func() (nn.Layer, error) {
			c := models.LMConfig().DropMult(0)
			c.EmbSz, c.NHid = emb, hid
			m, err := models.NewLanguageModel(words, c, nn.NewRNG(1))
			if err == nil {
				m.Regularisation = models.Regularisation{}
			}
			return m, err
		}
	}
	unet := func() (nn.Layer, error) {
		return models.Unet(models.ResNet34, 32, [2]int{90, 120}, models.UnetOptions{}, nn.NewRNG(1))
	}
	text := func(words, emb, hid int) stepWork {
		return stepWork{kind: "train", net: lm(words, emb, hid), bs: 48, size: [2]int{70, 0}, classes: words}
	}
	pixels := func(kind string, net func() (nn.Layer, error), bs, h, w int) stepWork {
		return stepWork{kind: kind, net: net, bs: bs, size: [2]int{h, w}, classes: 17, bytes: true}
	}
	street := func(arch models.Arch, h, w int) func() (nn.Layer, error) {
		return func() (nn.Layer, error) {
			return models.Unet(arch, 32, [2]int{h, w}, models.UnetOptions{}, nn.NewRNG(1))
		}
	}
	street4 := func(arch models.Arch) func() (nn.Layer, error) {
		return func() (nn.Layer, error) {
			return models.Unet(arch, 4, [2]int{27, 38}, models.UnetOptions{}, nn.NewRNG(1))
		}
	}
	head := func(a models.Arch) func() (nn.Layer, error) {
		return func() (nn.Layer, error) {
			return models.CNN(a, 2, models.HeadOptions{PS: []float64{0}, YRange: &[2]float64{-1.1, 1.1}}, nn.NewRNG(1))
		}
	}
	review := func(words, emb, hid, bptt int) func() (nn.Layer, error) {
		return func() (nn.Layer, error) {
			c := models.ClasConfig().DropMult(0)
			c.EmbSz, c.NHid = emb, hid
			m, err := models.NewTextClassifier(words, 2, c, models.TextHead{BPTT: bptt, MaxLen: 20 * bptt, PS: []float64{0}}, nn.NewRNG(1))
			if err == nil {
				m.Regularisation = models.Regularisation{}
			}
			return m, err
		}
	}
	return map[string]stepWork{
		"narrow-planet": {kind: "train", net: func() (nn.Layer, error) {
			return models.CNN(smallArch, 4, models.HeadOptions{LinFtrs: []int{32}}, nn.NewRNG(1))
		}, bs: 16, size: [2]int{32, 32}, classes: 4, bytes: true, lr: 3e-3},
		"narrow-camvid":             {kind: "train", net: street4(smallArch), bs: 8, size: [2]int{27, 38}, classes: 4, perMap: true, bytes: true, lr: 3e-3},
		"narrow-imdb":               {kind: "train", net: narrowText, bs: 16, size: [2]int{20, 0}, classes: narrowWords, lr: 3e-2},
		"gpu-resnet34-128-bs64":     pixels("train", cnn(models.ResNet34), 64, 128, 128),
		"gpu-resnet50-64-bs64":      pixels("train", cnn(models.ResNet50), 64, 64, 64),
		"gpu-unet34-180x240-bs8":    {kind: "train", net: street(models.ResNet34, 180, 240), bs: 8, size: [2]int{180, 240}, classes: 32, perMap: true, bytes: true},
		"gpu-headpose-120x160-bs64": {kind: "train", net: head(models.ResNet34), bs: 64, size: [2]int{120, 160}, classes: 2, points: true, bytes: true},
		"gpu-awdlstm-60k-bs64":      {kind: "train", net: lm(60000, 400, 1152), bs: 64, size: [2]int{70, 0}, classes: 60000},
		"gpu-classifier-60k-bs64":   {kind: "train", net: review(60000, 400, 1152, 70), bs: 64, size: [2]int{280, 0}, classes: 60000, answers: 2},
		"gpu-infer34-128-bs64":      pixels("infer", cnn(models.ResNet34), 64, 128, 128),
		"gpu-infer34-128-bs1":       pixels("infer", cnn(models.ResNet34), 1, 128, 128),
		"tiny-resnet":               pixels("train", cnn(smallArch), 8, 32, 32),
		"tiny-unet":                 {kind: "train", net: street(smallArch, 32, 40), bs: 4, size: [2]int{32, 40}, classes: 32, perMap: true, bytes: true},
		"tiny-headpose":             {kind: "train", net: head(smallArch), bs: 8, size: [2]int{32, 40}, classes: 2, points: true, bytes: true},
		"tiny-awdlstm":              {kind: "train", net: lm(500, 24, 40), bs: 4, size: [2]int{12, 0}, classes: 500},
		"tiny-classifier":           {kind: "train", net: review(500, 24, 40, 12), bs: 4, size: [2]int{30, 0}, classes: 500, answers: 2},
		"tiny-infer":                pixels("infer", cnn(smallArch), 8, 32, 32),
		"resnet34-128-bs16":         {kind: "train", net: cnn(models.ResNet34), bs: 16, size: [2]int{128, 128}, classes: 17},
		"resnet34-128-bs64":         {kind: "train", net: cnn(models.ResNet34), bs: 64, size: [2]int{128, 128}, classes: 17},
		"resnet34-64-bs16":          {kind: "train", net: cnn(models.ResNet34), bs: 16, size: [2]int{64, 64}, classes: 17},
		"resnet50-128-bs16":         {kind: "train", net: cnn(models.ResNet50), bs: 16, size: [2]int{128, 128}, classes: 17},
		"unet34-90x120-bs8":         {kind: "train", net: unet, bs: 8, size: [2]int{90, 120}, classes: 32, perMap: true},
		"awdlstm-3k":                text(3000, 200, 400),
		"awdlstm-10k":               text(10000, 400, 1152),
		"awdlstm-30k":               text(30000, 400, 1152),
		"awdlstm-60k":               text(60000, 400, 1152),
		"infer-bs1":                 {kind: "infer", net: cnn(models.ResNet34), bs: 1, size: [2]int{128, 128}, classes: 17},
		"infer-bs64":                {kind: "infer", net: cnn(models.ResNet34), bs: 64, size: [2]int{128, 128}, classes: 17},
		"planet-epoch":              {kind: "epoch", net: cnn(models.ResNet34), bs: 16, size: [2]int{128, 128}, classes: 17},
		"generate-bs1":              {kind: "generate", net: lm(30000, 400, 1152), bs: 1, size: [2]int{1, 0}, classes: 30000},
	}
}

// cnn is a classifier of pictures, without dropout.
func cnn(a models.Arch) func() (nn.Layer, error) {
	return func() (nn.Layer, error) {
		return models.CNN(a, 17, models.HeadOptions{PS: []float64{0}}, nn.NewRNG(1))
	}
}

// smallArch is the body of the narrow networks.
var smallArch = models.Arch{Name: "small", Out: 24, Body: func() *nn.Sequential {
	conv := func(in, out int) nn.Layer { return nn.NewConv2D(in, out, 3, nn.Stride(2), nn.Pad(1), nn.NoBias()) }
	return nn.NewSequential(conv(3, 16), nn.NewBatchNorm(16), nn.NewReLU(), conv(16, 24), nn.NewBatchNorm(24), nn.NewReLU())
}}

// narrowText is a small language model.
func narrowText() (nn.Layer, error) {
	c := models.LMConfig().DropMult(.5)
	c.EmbSz, c.NHid, c.NLayers = 24, 40, 2
	return models.NewLanguageModel(narrowWords, c, nn.NewRNG(1))
}

// batch is n items that bench/torch_step.py makes up alike.
func (w stepWork) batch(n int) (x, y []*tensor.Tensor) {
	if w.size[1] == 0 {
		t := w.size[0]
		a, b := tensor.New(tensor.Int64, n, t), tensor.New(tensor.Int64, n, t)
		for i := range a.Int64s() {
			a.Int64s()[i], b.Int64s()[i] = int64(i*31%(w.classes-2)+2), int64(i*17%(w.classes-2)+2)
		}
		if w.answers > 0 {
			b = tensor.New(tensor.Int64, n)
			for i := range b.Int64s() {
				b.Int64s()[i] = int64(i % w.answers)
			}
		}
		return []*tensor.Tensor{a}, []*tensor.Tensor{b}
	}
	a := tensor.New(tensor.Float32, n, 3, w.size[0], w.size[1])
	for i := range a.Float32s() {
		a.Float32s()[i] = float32(i*7919%2003)/1001 - 1
	}
	if w.bytes {
		a = tensor.New(tensor.Uint8, n, 3, w.size[0], w.size[1])
		for i := range a.Uint8s() {
			a.Uint8s()[i] = uint8(i * 7919 % 2003 % 256)
		}
	}
	if w.points {
		b := tensor.New(tensor.Float32, n, w.classes)
		for i := range b.Float32s() {
			b.Float32s()[i] = float32(i*31%201)/100 - 1
		}
		return []*tensor.Tensor{a}, []*tensor.Tensor{b}
	}
	shape := []int{n}
	if w.perMap {
		shape = []int{n, 1, w.size[0], w.size[1]}
	}
	b := tensor.New(tensor.Int64, shape...)
	for i := range b.Int64s() {
		b.Int64s()[i] = int64(i * 31 % w.classes)
	}
	return []*tensor.Tensor{a}, []*tensor.Tensor{b}
}

// normal is how the device normalises the work's pictures.
func (w stepWork) normal() device.Normalize {
	if !w.bytes {
		return device.Normalize{}
	}
	return device.Normalize{Mean: []float32{.485, .456, .406}, Std: []float32{.229, .224, .225}}
}

// narrowWords is the vocabulary of the narrow text.
const narrowWords = 60

// lesson is batch k of a work that learns: pictures with a bright stripe of one of four colours at random places,
// whose colour is the class, or the class of its pixels; texts that count on in steps of two kinds.
func (w stepWork) lesson(k int) (x, y []*tensor.Tensor) {
	rng := rand.New(rand.NewPCG(uint64(k), 5))
	if w.size[1] == 0 {
		a, b := tensor.New(tensor.Int64, w.bs, w.size[0]), tensor.New(tensor.Int64, w.bs, w.size[0])
		for r := range w.bs {
			word, by := rng.IntN(w.classes-2), 1+rng.IntN(2)*2
			for t := range w.size[0] {
				a.Int64s()[r*w.size[0]+t] = int64(2 + word)
				word = (word + by) % (w.classes - 2)
				b.Int64s()[r*w.size[0]+t] = int64(2 + word)
			}
		}
		return []*tensor.Tensor{a}, []*tensor.Tensor{b}
	}
	h, wide := w.size[0], w.size[1]
	colours := [4][3]uint8{{200, 20, 20}, {20, 200, 20}, {20, 20, 200}, {200, 200, 20}}
	a := tensor.New(tensor.Uint8, w.bs, 3, h, wide)
	for i := range a.Uint8s() {
		a.Uint8s()[i] = uint8(100 + rng.IntN(40))
	}
	b := tensor.New(tensor.Int64, w.bs)
	if w.perMap {
		b = tensor.New(tensor.Int64, w.bs, 1, h, wide)
	}
	for n := range w.bs {
		class, from := rng.IntN(4), rng.IntN(h/2)
		for y := from; y < from+h/3; y++ {
			for x := range wide {
				for c := range 3 {
					a.Uint8s()[((n*3+c)*h+y)*wide+x] = colours[class][c] + uint8(rng.IntN(30))
				}
				if w.perMap {
					b.Int64s()[(n*h+y)*wide+x] = int64(class)
				}
			}
		}
		if !w.perMap {
			b.Int64s()[n] = int64(class)
		}
	}
	return []*tensor.Tensor{a}, []*tensor.Tensor{b}
}
