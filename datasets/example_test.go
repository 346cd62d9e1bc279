package datasets_test

import (
	"fmt"
	"os"

	"github.com/fastnb/go/datasets"
)

func ExampleGetData() {
	home, err := os.MkdirTemp("", "fastnb")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(home) }()
	_ = os.Setenv("FASTNB_HOME", home)
	_ = os.Setenv("FASTNB_OFFLINE", "1") // fetch nothing: draw the twin

	path, err := datasets.GetData("planet", datasets.Tiles(20))
	if err != nil {
		fmt.Println(err)
		return
	}
	lines, err := path.Join("train_v2.csv").ReadLines()
	fmt.Println(path.Name(), datasets.Source(path), len(lines), err)
	fmt.Println(lines[:3])
	// Output:
	// planet-twin twin 21 <nil>
	// [image_name,tags train_0,haze primary train_1,agriculture clear primary water]
}
