package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"
)

// sample draws a twin and checks that drawing more of it leaves what is there alone.
func sample(t *testing.T, name string, few, more int, kept string, opts ...DataOption) Path {
	t.Helper()
	dir := NewPath(t.TempDir(), name)
	if err := SampleData(name, dir, few, opts...); err != nil {
		t.Fatal(err)
	}
	before, err := dir.Join(kept).ReadText()
	if err != nil {
		t.Fatal(err)
	}
	if err := SampleData(name, dir, more, opts...); err != nil {
		t.Fatal(err)
	}
	if after, _ := dir.Join(kept).ReadText(); after != before {
		t.Errorf("%s changed when the twin grew", kept)
	}
	again := NewPath(t.TempDir(), name)
	if err := SampleData(name, again, more, opts...); err != nil {
		t.Fatal(err)
	}
	if other, _ := again.Join(kept).ReadText(); other != before {
		t.Errorf("%s is another picture the second time", kept)
	}
	return dir
}

func openPNG(t *testing.T, p Path) image.Image {
	t.Helper()
	b, err := os.ReadFile(p.String())
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCamVidTwin(t *testing.T) {
	dir := sample(t, "camvid", 4, 40, "images/0001TP_000390.png", TwinSize(90, 120))
	codes, err := dir.Join("codes.txt").ReadLines()
	if err != nil || len(codes) != 32 || codes[4] != "Building" || codes[17] != "Road" || codes[30] != "Void" {
		t.Fatalf("codes %v, %v", codes, err)
	}
	valid, err := dir.Join("valid.txt").ReadLines()
	if err != nil || len(valid) != 6 {
		t.Fatalf("%d names for validation of 40, %v", len(valid), err)
	}
	pics, err := dir.Join("images").Ls()
	if err != nil || len(pics) != 40 {
		t.Fatalf("%d pictures, %v", len(pics), err)
	}
	seen := map[uint8]int{}
	for _, p := range pics {
		if b := openPNG(t, p).Bounds(); b.Dx() != 120 || b.Dy() != 90 {
			t.Fatalf("%s is %v", p, b)
		}
		m, ok := openPNG(t, dir.Join("labels", p.Stem()+"_P.png")).(*image.Gray)
		if !ok || m.Bounds().Dx() != 120 || m.Bounds().Dy() != 90 {
			t.Fatalf("the mask of %s is %T", p, m)
		}
		here := map[uint8]bool{}
		for _, c := range m.Pix {
			if c > cvWall {
				t.Fatalf("%s: class %d", p, c)
			}
			here[c] = true
			seen[c]++
		}
		if !here[cvRoad] || !here[cvSky] || !here[cvSidewalk] {
			t.Errorf("%s has no road, sky or pavement: %v", p, here)
		}
	}
	if len(seen) < 24 {
		t.Errorf("40 scenes show %d classes", len(seen))
	}
	for _, v := range valid {
		if !dir.Join("images", v).Exists() {
			t.Errorf("valid.txt names %s", v)
		}
	}
	if err := SampleData("camvid", dir, 50); err == nil || !strings.Contains(err.Error(), "holds pictures of 90x120, not 180x240") {
		t.Errorf("another size in the same folder: %v", err)
	}
	if err := SampleData("camvid", NewPath(t.TempDir(), "x"), 1, TwinSize(4, 4)); err == nil {
		t.Error("pictures of 4x4 are drawn")
	}
}

func TestBiwiTwin(t *testing.T) {
	dir := sample(t, "biwi_head_pose", 26, 50, "09/frame_00667_rgb.jpg", TwinSize(120, 160))
	folders, err := dir.Ls()
	if err != nil || len(folders) != biwiPersons {
		t.Fatalf("%d folders, %v", len(folders), err)
	}
	for _, f := range folders {
		poses, _ := f.Glob("*_pose.txt")
		pics, _ := f.Glob("*_rgb.jpg")
		if len(poses) != len(pics) || len(pics) < 2 || !f.Join("rgb.cal").Exists() {
			t.Errorf("%s: %d poses, %d pictures", f, len(poses), len(pics))
		}
	}
	lines, err := dir.Join("09", "frame_00667_pose.txt").ReadLines()
	if err != nil || len(lines) != 5 || lines[3] != "" || lines[4] != "187.332 40.3892 893.135 " {
		t.Errorf("the lesson's pose file: %q, %v", lines, err)
	}
}

// TestBiwiTwinSpread holds places and angles to those of the real set.
func TestBiwiTwinSpread(t *testing.T) {
	want := [6][2]float64{{358, 33}, {266, 32}, {967, 117}, {0, 24.5}, {0, 30}, {0, 11.6}}
	var sum, sq [6]float64
	const n = 2400
	for k := range n {
		p := biwiPose(biwiFrame(k))
		z := p.centre[2]
		for i, v := range []float64{p.centre[0]*biwiFocal/z + biwiMidX, p.centre[1]*biwiFocal/z + biwiMidY, z, p.pitch, p.yaw, p.roll} {
			sum[i], sq[i] = sum[i]+v, sq[i]+v*v
		}
	}
	for i, w := range want {
		mean := sum[i] / n
		sd := math.Sqrt(sq[i]/n - mean*mean)
		if math.Abs(mean-w[0]) > .1*w[1] || math.Abs(sd-w[1]) > .1*w[1] {
			t.Errorf("value %d: %.4g ± %.3g, want %v", i, mean, sd, w)
		}
	}
	for _, angle := range []pose{{pitch: 20, yaw: -30, roll: 10}} {
		r := angle.rotation()
		for i := range 3 {
			for j := range 3 {
				dot, unit := vec(r[i]).dot(vec(r[j])), 0.
				if i == j {
					unit = 1
				}
				if math.Abs(dot-unit) > 1e-12 {
					t.Errorf("rows %d and %d: %v", i, j, dot)
				}
			}
		}
	}
}

// TestHeadIsAtItsCentre: where the pose file puts the head's centre, the picture shows the head.
func TestHeadIsAtItsCentre(t *testing.T) {
	for k := range 12 {
		p, who := biwiPose(biwiFrame(k)), newSitter(k%biwiPersons+1)
		c := newPainter(160, 120, biwiSeed, uint64(k))
		drawHead(c, who, p)
		f, x, y := biwiCamera(120, 160)
		u, v := int(p.centre[0]*f/p.centre[2]+x), int(p.centre[1]*f/p.centre[2]+y)
		at := func(u, v int) (r float64) {
			for q := range 3 {
				r += math.Abs(float64(c.px[3*(v*160+u)+q] - c.px[3*(20*160+4)+q]))
			}
			return r
		}
		if at(u, v) < 20 {
			t.Errorf("item %d: at (%d, %d) there is wall", k, u, v)
		}
	}
}

func TestMNISTTwin(t *testing.T) {
	dir := sample(t, "mnist_tiny", 20, 60, "train/3/0.png")
	count := func(pattern string) int { l, _ := dir.Glob(pattern); return len(l) }
	got := fmt.Sprint(count("train/3/*.png"), count("train/7/*.png"), count("valid/3/*.png"), count("valid/7/*.png"), count("test/*.png"))
	if got != "15 15 15 15 6" {
		t.Errorf("digits: %s", got)
	}
	rows, err := dir.Join("labels.csv").ReadLines()
	if err != nil || len(rows) != 61 || rows[0] != "name,label" || rows[1] != "train/3/0.png,3" {
		t.Errorf("labels.csv: %v, %v", rows, err)
	}
	m, ok := openPNG(t, dir.Join("train", "3", "0.png")).(*image.Gray)
	ink := 0
	if ok {
		for _, v := range m.Pix {
			if v > 127 {
				ink++
			}
		}
	}
	if ink < 30 || ink > 300 {
		t.Errorf("a digit of %d pixels", ink)
	}
}

// The pets' and bears' twins have the real layouts: breed and number in the name, a folder for each kind.
func TestAnimals(t *testing.T) {
	pets := sample(t, "oxford-iiit-pet", 37, 40, "images/Siamese_1.jpg")
	files, err := pets.Join("images").Ls()
	if err != nil || len(files) != 40 {
		t.Fatal(len(files), err)
	}
	kinds := map[string]bool{}
	for _, f := range files {
		kinds[strings.TrimRight(strings.TrimSuffix(f.Stem(), "_1"), "_2")] = true
	}
	if len(kinds) != 37 {
		t.Errorf("%d breeds", len(kinds))
	}
	bears := sample(t, "bears", 3, 6, "teddys/00000000.jpg", TwinSize(60, 80))
	for _, kind := range []string{"black", "grizzly", "teddys"} {
		if l, err := bears.Join(kind).Ls(); err != nil || len(l) != 2 {
			t.Error(kind, l, err)
		}
	}
}
