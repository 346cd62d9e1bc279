package fastnb

// BnFreeze makes batch norm in frozen layer groups work as in evaluation, with its running statistics,
// and leaves these as they are. It matters with TrainBN(false) only: else batch norm trains in frozen
// groups too. (fastai train.py)
func BnFreeze() Callback {
	return Callback{
		Name: "BnFreeze", Blind: true,
		BeforeFit: func(l *Learner) error { l.FreezeNorm(true); return nil },
		AfterFit:  func(l *Learner) error { l.FreezeNorm(false); return nil },
	}
}
