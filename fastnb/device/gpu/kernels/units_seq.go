package kernels

import "strings"

// Units of language models and dropout.
func init() {
	each("dropout", []string{"V=4"}, "vec.h", "random.h", "dropout.h")
	each("embedding", nil, "flag.h", "random.h", "embedding.h")
	each("sequence", nil, "sequence.h")
	each("lstm", nil, "random.h", "lstm.h")
	each("decoder", nil, "flag.h", "vec.h", "decoder.h")
	each("decoder8", []string{"V=8"}, "flag.h", "vec.h", "decoder.h")
	for _, t := range []string{"f32", "f16", "bf16"} {
		units = append(units, Unit{Name: "lstm_mma_" + t, Files: []string{"lstm_mma.h"}, Defines: []string{"T_" + strings.ToUpper(t)}, Arch: "compute_80", CUDA: true})
	}
}
