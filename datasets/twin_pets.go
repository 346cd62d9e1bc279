package datasets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

func init() {
	twins["oxford-iiit-pet"] = generator{items: 740, h: 160, w: 200, draw: drawPets}
	twins["bears"] = generator{items: 150, h: 160, w: 200, draw: drawBears}
}

const petSeed, bearSeed = 2012, 1926

var (
	white, cream, sand   = rgb{236, 232, 226}, rgb{226, 206, 172}, rgb{198, 160, 110}
	ginger, red, brown   = rgb{206, 130, 62}, rgb{160, 84, 44}, rgb{104, 70, 46}
	black, grey, steel   = rgb{40, 38, 40}, rgb{140, 138, 136}, rgb{110, 120, 136}
	silver, tan, darkTan = rgb{186, 186, 184}, rgb{190, 146, 100}, rgb{72, 52, 40}
)

// breeds are the 37 of the real set, cats with a capital letter as there.
var breeds = []animal{
	{"Abyssinian", earPointed, ginger, brown, plain, .1, 0},
	{"Bengal", earPointed, sand, darkTan, striped, .1, 0},
	{"Birman", earPointed, cream, darkTan, points, .1, .12},
	{"Bombay", earPointed, black, black, plain, .1, 0},
	{"British_Shorthair", earPointed, steel, steel, plain, 0, .06},
	{"Egyptian_Mau", earPointed, silver, black, striped, .1, 0},
	{"Maine_Coon", earPointed, brown, black, striped, .15, .18},
	{"Persian", earPointed, white, cream, plain, 0, .22},
	{"Ragdoll", earPointed, cream, white, bicolour, .1, .16},
	{"Russian_Blue", earPointed, grey, grey, plain, .1, 0},
	{"Siamese", earPointed, cream, darkTan, masked, .1, 0},
	{"Sphynx", earPointed, rgb{218, 172, 156}, rgb{190, 140, 128}, plain, .1, 0},
	{"american_bulldog", earFolded, white, brown, patched, .5, 0},
	{"american_pit_bull_terrier", earFolded, red, white, bicolour, .6, 0},
	{"basset_hound", earHanging, white, red, patched, .9, 0},
	{"beagle", earHanging, tan, white, bicolour, .7, 0},
	{"boxer", earFolded, ginger, black, masked, .4, 0},
	{"chihuahua", earPointed, sand, cream, plain, .4, 0},
	{"english_cocker_spaniel", earHanging, ginger, ginger, plain, .7, .1},
	{"english_setter", earHanging, white, black, patched, .9, .06},
	{"german_shorthaired", earHanging, darkTan, white, bicolour, .9, 0},
	{"great_pyrenees", earHanging, white, white, plain, .7, .2},
	{"havanese", earHanging, grey, white, bicolour, .4, .22},
	{"japanese_chin", earHanging, white, black, patched, .1, .14},
	{"keeshond", earPointed, grey, black, masked, .6, .22},
	{"leonberger", earHanging, ginger, black, masked, .7, .2},
	{"miniature_pinscher", earPointed, black, tan, masked, .7, 0},
	{"newfoundland", earHanging, black, black, plain, .7, .18},
	{"pomeranian", earPointed, ginger, cream, plain, .4, .28},
	{"pug", earFolded, cream, black, masked, 0, 0},
	{"saint_bernard", earHanging, red, white, bicolour, .7, .1},
	{"samoyed", earPointed, white, white, plain, .6, .26},
	{"scottish_terrier", earPointed, black, black, plain, .9, .14},
	{"shiba_inu", earPointed, ginger, white, bicolour, .6, .06},
	{"staffordshire_bull_terrier", earFolded, steel, white, bicolour, .5, 0},
	{"wheaten_terrier", earFolded, sand, sand, plain, .7, .2},
	{"yorkshire_terrier", earPointed, tan, steel, points, .5, .2},
}

// drawPets draws images/ with the pictures of all breeds in turn, named by breed and number.
func drawPets(ctx context.Context, dir string, o order) error {
	name := func(i int) string {
		return filepath.Join("images", fmt.Sprintf("%s_%d.jpg", breeds[i%len(breeds)].name, i/len(breeds)+1))
	}
	return drawHeads(ctx, dir, o, "drawing pets", petSeed, []string{"images"}, name, func(i int) animal { return breeds[i%len(breeds)] })
}

// bears are the kinds of the second lesson.
var bears = []animal{
	{"black", earRound, black, rgb{150, 116, 84}, bicolour, .8, .08},
	{"grizzly", earRound, brown, sand, plain, .9, .16},
	{"teddys", earRound, sand, cream, bicolour, .2, 0},
}

// drawBears draws a folder for each kind of bear, kinds in turn.
func drawBears(ctx context.Context, dir string, o order) error {
	var folders []string
	for _, b := range bears {
		folders = append(folders, b.name)
	}
	name := func(i int) string {
		return filepath.Join(bears[i%len(bears)].name, fmt.Sprintf("%08d.jpg", i/len(bears)))
	}
	return drawHeads(ctx, dir, o, "drawing bears", bearSeed, folders, name, func(i int) animal { return bears[i%len(bears)] })
}

// drawHeads draws pictures o.have to o.n into folders.
func drawHeads(ctx context.Context, dir string, o order, what string, seed uint64, folders []string, name func(i int) string, kind func(i int) animal) error {
	for _, f := range folders {
		if err := os.MkdirAll(filepath.Join(dir, f), 0o777); err != nil {
			return err
		}
	}
	bar := newCount(what, o.n)
	defer bar.done()
	bar.add(int64(o.have))
	return inParallel(ctx, o.have, o.n, func(i int) error {
		defer bar.add(1)
		p := newPainter(o.w, o.h, seed, uint64(i))
		drawAnimal(p, kind(i))
		b, err := p.jpeg(88, 5)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name(i)), b, 0o666)
	})
}
