package datasets

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

func init() {
	twins["biwi_head_pose"] = generator{items: 480, h: 480, w: 640, draw: drawBiwi}
}

const (
	biwiPersons = 24
	biwiSeed    = 2013
)

// The camera of the real set's folder 01, for pictures of 640x480: focal length and middle in pixels.
const (
	biwiFocal = 517.679
	biwiMidX  = 320
	biwiMidY  = 240.5
)

// pose is where a head is: its centre in millimetres in front of the camera (right, down, ahead), and how
// it is turned.
type pose struct {
	centre           [3]float64
	pitch, yaw, roll float64 // degrees
}

// biwiFrame is the person (1 to 24) and the number of the frame that item k stands for.
func biwiFrame(k int) (person, frame int) {
	person, frame = k%biwiPersons+1, 3+5*(k/biwiPersons)
	if person == 9 && frame == 3 {
		frame = 667 // the lesson's example picture
	}
	return person, frame
}

// biwiPose moves a head smoothly with the frames. Places and angles spread as in the real set, of whose
// 15,677 frames these are mean and standard deviation: column 358 ± 33, row 266 ± 32 (640x480), distance
// 967 ± 117 mm, pitch ± 24.5°, yaw ± 30°, roll ± 11.6°. Half the variance of a place is between persons;
// angles have all of it in the movement.
func biwiPose(person, frame int) pose {
	rng := rand.New(rand.NewPCG(biwiSeed, uint64(person)))
	// Persons stand evenly spread, in another order for each axis, so that few of them have the right
	// spread already.
	base := func(mean, sd float64, order int) float64 {
		k := (float64(person*order%biwiPersons) + .5) / biwiPersons
		return mean + sd*math.Sqrt(.5)*math.Sqrt(12)*(k-.5)
	}
	wave := func(sd float64) float64 {
		return sd * math.Sqrt2 * math.Sin(rng.Float64()*2*math.Pi+float64(frame)*(.02+.03*rng.Float64()))
	}
	half := math.Sqrt(.5)
	u := base(358, 33, 7) + wave(33*half)
	v := base(266, 32, 11) + wave(32*half)
	z := base(967, 117, 5) + wave(117*half)
	p := pose{
		centre: [3]float64{(u - biwiMidX) * z / biwiFocal, (v - biwiMidY) * z / biwiFocal, z},
		pitch:  wave(24.5), yaw: wave(30), roll: wave(11.6),
	}
	if frame == 667 {
		p.centre = [3]float64{187.332, 40.3892, 893.135} // as the lesson prints it
	}
	return p
}

// rotation is the matrix of the pose's angles, about x, then y, then z.
func (p pose) rotation() [3][3]float64 {
	sx, cx := math.Sincos(p.pitch * math.Pi / 180)
	sy, cy := math.Sincos(p.yaw * math.Pi / 180)
	sz, cz := math.Sincos(p.roll * math.Pi / 180)
	return [3][3]float64{
		{cy * cz, -cy * sz, sy},
		{cx*sz + sx*sy*cz, cx*cz - sx*sy*sz, -sx * cy},
		{sx*sz - cx*sy*cz, sx*cz + cx*sy*sz, cx * cy},
	}
}

// drawBiwi draws a folder for each person with its frames, their pose files, and the calibration.
func drawBiwi(ctx context.Context, dir string, o order) error {
	for p := 1; p <= biwiPersons; p++ {
		folder := filepath.Join(dir, fmt.Sprintf("%02d", p))
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "rgb.cal"), []byte(biwiCalibration(o.h, o.w)), 0o666); err != nil {
			return err
		}
	}
	bar := newCount("drawing heads", o.n)
	defer bar.done()
	bar.add(int64(o.have))
	return inParallel(ctx, o.have, o.n, func(k int) error {
		defer bar.add(1)
		person, frame := biwiFrame(k)
		at := biwiPose(person, frame)
		c := newPainter(o.w, o.h, biwiSeed+1, uint64(k))
		drawHead(c, newSitter(person), at)
		pic, err := c.jpeg(80, 4)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, fmt.Sprintf("%02d", person), fmt.Sprintf("frame_%05d_", frame))
		if err := os.WriteFile(name+"pose.txt", []byte(at.text()), 0o666); err != nil {
			return err
		}
		return os.WriteFile(name+"rgb.jpg", pic, 0o666)
	})
}

// text is a pose file: the rotation, a blank line, the centre.
func (p pose) text() string {
	var b strings.Builder
	for _, row := range p.rotation() {
		fmt.Fprintf(&b, "%.6g %.6g %.6g \n", row[0], row[1], row[2])
	}
	fmt.Fprintf(&b, "\n%.6g %.6g %.6g \n", p.centre[0], p.centre[1], p.centre[2])
	return b.String()
}

// biwiCalibration is a file rgb.cal: camera matrix, distortion, rotation and translation to the depth
// camera, and the pictures' size.
func biwiCalibration(h, w int) string {
	f, x, y := biwiCamera(h, w)
	return fmt.Sprintf(`%.6g 0 %.6g 
0 %.6g %.6g 
0 0 1 

0 0 0 0 

0.999947 0.00432361 0.00929419 
-0.00446314 0.999877 0.0150443 
-0.009228 -0.015085 0.999844 

-24.0198 5.8896 -13.2308 

%d %d
`, f, x, f, y, w, h)
}

// biwiCamera is the camera for pictures of another size: focal length and middle in pixels.
func biwiCamera(h, w int) (focal, x, y float64) {
	return biwiFocal * float64(w) / 640, biwiMidX * float64(w) / 640, biwiMidY * float64(h) / 480
}
