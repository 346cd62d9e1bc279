package fastnb

// ModelOption is an option about the model that several kinds of learners have: each takes out of
// LearnerConfig.Extra what it can use and refuses the rest by its name.
type ModelOption struct {
	Name       string
	Pretrained bool
	PS         []float64
	LinFtrs    []int
}

// ApplyLearner leaves the option for the kind of learner to take.
func (o ModelOption) ApplyLearner(c *LearnerConfig) { c.Extra = append(c.Extra, o) }

// String is the option's name.
func (o ModelOption) String() string { return o.Name }

// Pretrained says whether the model's body starts from published weights (ImageNet for pictures,
// WikiText-103 for texts): by default if they can be had, else with a notice from fresh ones.
// Pretrained(true) makes it an error if they cannot.
func Pretrained(on bool) LearnerOption { return ModelOption{Name: "Pretrained", Pretrained: on} }

// PS is the dropout before the head's linear layers. Pictures: one value p gives p/2 to all but the last,
// several are taken as they are; 0.5 by default. Texts: one for each of the LinFtrs; 0.1 by default.
func PS(p ...float64) LearnerOption { return ModelOption{Name: "PS", PS: p} }

// LinFtrs are the sizes between the head's linear layers: 512 by default for pictures, 50 for texts.
func LinFtrs(n ...int) LearnerOption {
	return ModelOption{Name: "LinFtrs", LinFtrs: append([]int{}, n...)}
}
