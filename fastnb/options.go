package fastnb

// defaultOneCycle is fastai's one-cycle policy.
var defaultOneCycle = oneCycleConfig{momHi: .95, momLo: .85, div: 25, pctStart: .3}

// Thresh is the probability above which a label counts as predicted.
func Thresh(p float64) MetricOption { return metricOption(func(c *metricConfig) { c.thresh = p }) }
