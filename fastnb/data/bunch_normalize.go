package data

import "fmt"

// Normalize has each channel of the inputs shifted and scaled by (x-mean)/std when a batch is made, and
// gives the DataBunch itself, as fastai's data.normalize(imagenet_stats) behind a one-line factory. Without
// Stats, those of one training batch are taken. Normalising twice is an error; so is normalising data that
// the chain has normalised.
func (d *DataBunch) Normalize(opts ...NormalizeOption) (*DataBunch, error) {
	norm, err := newNormalizer(d.pipe.norm, opts)
	if err != nil {
		return nil, fmt.Errorf("fastnb: normalize: %w", err)
	}
	d.pipe.norm = norm
	if d.TestDS != nil {
		d.TestDS.pipe.norm = norm
	}
	if err := d.measureStats(); err != nil {
		d.pipe.norm = nil
		return nil, err
	}
	return d, nil
}
