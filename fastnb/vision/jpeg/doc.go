// Package jpeg reads JPEG files into planes of red, green and blue with the very pixels that libjpeg and
// libjpeg-turbo give by default, and so PIL and fastai: the same integer inverse transform
// (jidctint.c), triangle filter for chroma (jdsample.c) and colour conversion (jdcolor.c).
//
// It is a room of vision's and imports nothing of ours. The standard library's decoder replicates chroma,
// refuses four components without Adobe's marker (the Planet tiles) and takes about three times as long.
// What is rare is left to it: [Decode] then fails with [ErrUnsupported].
//
// The way of the data: segments (jpeg.go) → Huffman codes (huffman.go, bits.go) → blocks of coefficients,
// at once (scan.go) or after several passes (progressive.go) → pixels of each component (idct.go) →
// full size (upsample.go) → colours (color.go).
package jpeg
