package vision

import (
	"bytes"
	"image"

	"github.com/fastnb/go/fastnb/data"
)

// OpenBytes makes a picture of a file's bytes.
func (k imageKind) OpenBytes(b []byte) (data.Item, error) {
	px, err := decodeRGB(b)
	if err != nil {
		return nil, err
	}
	x := &Image{px: k.turned(px, b, "picture")}
	x.px.lent = true
	return x, nil
}

// SizeOfPicture is the height and width that a picture file's header tells; nothing is decoded.
func SizeOfPicture(file []byte) (data.Dims, error) {
	conf, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil && isJPEG(file) {
		conf, format, err = image.DecodeConfig(bytes.NewReader(withAdobeMarker(file)))
	}
	if err != nil {
		return data.Dims{}, describe(format, err)
	}
	return data.Dims{H: conf.Height, W: conf.Width}, checkSize(conf.Width, conf.Height)
}
