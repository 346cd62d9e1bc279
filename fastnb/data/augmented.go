package data

// Augmenter is what transforms the items, nil for nothing.
func (d *DataBunch) Augmenter() Augmenter { return d.pipe.aug }

// AugmentedLoader gives batches of one data set in order and complete, its items transformed by the
// validation list of another augmenter: for test-time augmentation.
func (d *DataBunch) AugmentedLoader(t DSType, aug Augmenter) (*Loader, error) {
	l, err := d.Loader(t)
	if err != nil {
		return nil, err
	}
	pipe := *l.ds.pipe
	pipe.aug = aug
	l.ds, l.shuffle, l.dropLast = &Dataset{list: l.ds.list, kind: l.ds.kind, pipe: &pipe, cache: l.ds.cache}, false, false
	return l, nil
}
