package data_test

import (
	"fmt"

	. "github.com/fastnb/go/fastnb/data"
)

func ExampleNewTable() {
	t, err := NewTable("image_name", []string{"test_0", "test_1"}, "tags", []string{"clear primary", "haze"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Head(1))
	// Output:
	//    image_name  tags
	// 0  test_0      clear primary
}
