package models

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/fastnb/tensor"
)

// ConvertWeights gives the weights of a language model for another vocabulary: the rows of words that
// both have, for words that the old one lacks the mean of all rows, and likewise for the decoder's bias
// (fastai's convert_weights). The other weights are passed on.
func ConvertWeights(weights map[string]*tensor.Tensor, old, now []string) (map[string]*tensor.Tensor, error) {
	number := make(map[string]int, len(old))
	for i, w := range old {
		number[w] = i
	}
	out := map[string]*tensor.Tensor{}
	for name, t := range weights {
		switch name {
		case "0.encoder.weight", "0.encoder_dp.emb.weight", "1.decoder.weight", "1.decoder.bias":
			s := t.Shape()
			if len(s) == 0 || s[0] != len(old) {
				return nil, fmt.Errorf("fastnb: converting weights: %s is %v, the vocabulary has %d words", name, s, len(old))
			}
			out[name] = convertRows(t, number, now)
		default:
			out[name] = t
		}
	}
	return out, nil
}

func convertRows(t *tensor.Tensor, number map[string]int, now []string) *tensor.Tensor {
	s := t.Shape()
	width, src := t.Len()/s[0], t.Float32s()
	mean := make([]float64, width)
	for i, v := range src {
		mean[i%width] += float64(v) / float64(s[0])
	}
	out := tensor.New(tensor.Float32, append([]int{len(now)}, s[1:]...)...)
	for i, w := range now {
		row := out.Float32s()[i*width : (i+1)*width]
		if k, ok := number[w]; ok {
			copy(row, src[k*width:(k+1)*width])
			continue
		}
		for j, m := range mean {
			row[j] = float32(m)
		}
	}
	return out
}

// PlainNames drops what fastai's files hold twice: the second names of tied weights, and the recurrent
// weights as some batch's mask left them.
func PlainNames(weights map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	out := map[string]*tensor.Tensor{}
	for name, t := range weights {
		name = strings.TrimPrefix(name, "model.")
		if strings.HasSuffix(name, ".module.weight_hh_l0") || strings.HasSuffix(name, "encoder_dp.emb.weight") || name == "1.decoder.weight" || strings.HasPrefix(name, "opt.") {
			continue
		}
		out[name] = t
	}
	return out
}
