package data

import "github.com/fastnb/go/fastnb/nn"

// The losses that go with the built-in label kinds, as fastai attaches them.

func lossMulti() nn.Loss    { return nn.BCEWithLogitsFlat }
func lossCategory() nn.Loss { return nn.CrossEntropyFlat }
func lossFloat() nn.Loss    { return nn.MSELossFlat }
