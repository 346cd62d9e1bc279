package text

import (
	"encoding/json"
	"fmt"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// modelConfig is what the learners' own options say, and what an export keeps of it.
type modelConfig struct {
	Arch    string `json:"arch"`
	Words   int    `json:"words"`
	Classes int    `json:"classes,omitempty"`
	models.AWDConfig
	models.Regularisation
	models.TextHead

	dropMult   float64
	given      *models.AWDConfig
	clip       float64
	pretrained *bool // nil: if the weights can be had
	files      *pretrainedFiles
}

// modelOption is an option of learners for texts; other learners refuse it by its name.
type modelOption struct {
	name  string
	apply func(*modelConfig)
	head  bool // it is about the head of a classifier
}

// ApplyLearner leaves the option for a text learner to take.
func (o modelOption) ApplyLearner(c *fastnb.LearnerConfig) { c.Extra = append(c.Extra, o) }

// String is the option's name.
func (o modelOption) String() string { return o.name }

// DropMult multiplies all dropouts of the configuration: 1 by default.
func DropMult(m float64) fastnb.LearnerOption {
	return modelOption{name: "DropMult", apply: func(c *modelConfig) { c.dropMult = m }}
}

// Config replaces the configuration, which is models.LMConfig() or models.ClasConfig() by default.
func Config(a models.AWDConfig) fastnb.LearnerOption {
	return modelOption{name: "Config", apply: func(c *modelConfig) { c.given = &a }}
}

// ClipGrad scales the gradients of a batch down so that their norm is at most max: not by default.
func ClipGrad(max float64) fastnb.LearnerOption {
	return modelOption{name: "ClipGrad", apply: func(c *modelConfig) { c.clip = max }}
}

// AlphaAR is the factor of activation regularisation: 2 by default.
func AlphaAR(a float64) fastnb.LearnerOption {
	return modelOption{name: "AlphaAR", apply: func(c *modelConfig) { c.Regularisation.Alpha = a }}
}

// BetaTAR is the factor of temporal activation regularisation: 1 by default.
func BetaTAR(b float64) fastnb.LearnerOption {
	return modelOption{name: "BetaTAR", apply: func(c *modelConfig) { c.Regularisation.Beta = b }}
}

// CutAt is the number of words after which a classifier cuts the gradient: 70 by default.
func CutAt(bptt int) fastnb.LearnerOption {
	return modelOption{name: "CutAt", apply: func(c *modelConfig) { c.BPTT = bptt }, head: true}
}

// MaxLen is the number of words at the end of a text of which a classifier pools the outputs: 1400 by
// default.
func MaxLen(n int) fastnb.LearnerOption {
	return modelOption{name: "MaxLen", apply: func(c *modelConfig) { c.TextHead.MaxLen = n }, head: true}
}

// PretrainedFiles names the files, without their extensions, of the weights (.pth) and the words (.pkl) to
// start from, in the learner's model folder, instead of the published ones.
func PretrainedFiles(weights, words string) fastnb.LearnerOption {
	return modelOption{name: "PretrainedFiles", apply: func(c *modelConfig) { c.files = &pretrainedFiles{weights, words} }}
}

// classifierPrefix stands before the names of the encoder in a classifier.
const classifierPrefix = "0.module."

// TextLearner is a learner of a text model: a classifier, or what is common to those and language models.
type TextLearner struct {
	*fastnb.Learner

	encoder *models.AWDEncoder
	prefix  string // of the encoder's names in the model
}

// LanguageLearner is a learner of a language model.
type LanguageLearner struct {
	*TextLearner

	drawn uint64 // texts generated so far: the random stream
}

func init() {
	fastnb.RegisterArch("language model", func(js json.RawMessage, d *data.DataBunch) (nn.Layer, [][]*nn.Param, error) {
		var c modelConfig
		if err := json.Unmarshal(js, &c); err != nil {
			return nil, nil, fmt.Errorf("description of the model: %w", err)
		}
		if d.Vocab == nil || c.Words != d.Vocab.Len() {
			return nil, nil, fmt.Errorf("description of the model: %d words, which are not those of the data", c.Words)
		}
		m, err := c.languageModel(nil)
		if err != nil {
			return nil, nil, err
		}
		return m, m.Groups(), nil
	})
	fastnb.RegisterArch("text classifier", func(js json.RawMessage, d *data.DataBunch) (nn.Layer, [][]*nn.Param, error) {
		var c modelConfig
		if err := json.Unmarshal(js, &c); err != nil {
			return nil, nil, fmt.Errorf("description of the model: %w", err)
		}
		if d.Vocab == nil || c.Words != d.Vocab.Len() || c.Classes != d.C {
			return nil, nil, fmt.Errorf("description of the model: %d words and %d classes, which are not those of the data", c.Words, c.Classes)
		}
		m, err := c.classifier(nil)
		if err != nil {
			return nil, nil, err
		}
		return m, m.Groups(), nil
	})
}

func (c *modelConfig) languageModel(rng *nn.RNG) (*models.LanguageModel, error) {
	m, err := models.NewLanguageModel(c.Words, c.AWDConfig, rng)
	if err == nil {
		m.Regularisation = c.Regularisation
	}
	return m, err
}

func (c *modelConfig) classifier(rng *nn.RNG) (*models.TextClassifier, error) {
	m, err := models.NewTextClassifier(c.Words, c.Classes, c.AWDConfig, c.TextHead, rng)
	if err == nil {
		m.Regularisation = c.Regularisation
	}
	return m, err
}

// LanguageModelLearner makes a learner of a language model for data that LabelForLM made (fastai's
// language_model_learner). Layer groups: each recurrent layer, then the table of words with the decoder;
// with pretrained weights only these train at first. Its metric is accuracy unless Metrics says otherwise;
// in training and validation metrics get the likeliest words [N, T] for outputs. Options: DropMult (1),
// Config (models.LMConfig()), Pretrained, PretrainedFiles, AlphaAR (2), BetaTAR (1), ClipGrad, and those of
// fastnb.NewLearner.
func LanguageModelLearner(d *data.DataBunch, arch models.TextArch, o ...fastnb.LearnerOption) (*LanguageLearner, error) {
	cfg, c, err := configure("language model learner", d, arch, models.LMConfig(), false, o)
	if err != nil {
		return nil, err
	}
	if d.LabelKind().Name() != "lm" {
		return nil, fmt.Errorf("fastnb: language model learner: the data is for %s, not for a language model (try LabelForLM)", d.LabelKind().Name())
	}
	if cfg.Metrics == nil {
		cfg.Metrics = []fastnb.Metric{fastnb.Accuracy()}
	}
	m, err := c.languageModel(nn.NewRNG(data.CurrentSeed()))
	if err != nil {
		return nil, err
	}
	frozen, err := c.start("language model learner", d, nn.AllParams(m), "", modelDir(d, cfg))
	if err != nil {
		return nil, err
	}
	l, err := finish(d, m, m.Groups(), m.Encoder, "0.", "language model", c, cfg, frozen)
	if err != nil {
		return nil, err
	}
	return &LanguageLearner{TextLearner: l}, nil
}

// TextClassifierLearner makes a learner that sorts texts into classes (fastai's text_classifier_learner).
// Layer groups: the table of words, each recurrent layer, the head; with pretrained weights, or after
// LoadEncoder, only the head trains at first. For one class per text its metric is accuracy unless Metrics
// says otherwise. Options: DropMult (1), Config (models.ClasConfig()), CutAt (70), MaxLen (1400), LinFtrs
// (50), PS (0.1), Pretrained (here the encoder really starts from the published weights), PretrainedFiles,
// AlphaAR (2), BetaTAR (1), ClipGrad, and those of fastnb.NewLearner.
func TextClassifierLearner(d *data.DataBunch, arch models.TextArch, o ...fastnb.LearnerOption) (*TextLearner, error) {
	const verb = "text classifier learner"
	cfg, c, err := configure(verb, d, arch, models.ClasConfig(), true, o)
	if err != nil {
		return nil, err
	}
	if c.Classes = d.C; c.Classes < 1 || d.LabelKind().Name() == "lm" {
		return nil, fmt.Errorf("fastnb: %s: the data has no classes (try LabelFromFolder or LabelFromTable)", verb)
	}
	if cfg.Metrics == nil && d.Loss.Name == nn.CrossEntropyFlat.Name {
		cfg.Metrics = []fastnb.Metric{fastnb.Accuracy()}
	}
	m, err := c.classifier(nn.NewRNG(data.CurrentSeed()))
	if err != nil {
		return nil, err
	}
	frozen, err := c.start(verb, d, nn.AllParams(m.Encoder), classifierPrefix, modelDir(d, cfg))
	if err != nil {
		return nil, err
	}
	return finish(d, m, m.Groups(), m.Encoder, classifierPrefix, "text classifier", c, cfg, frozen)
}

// configure reads the options; head says whether the model has a classifier's head, for options about it.
func configure(verb string, d *data.DataBunch, arch models.TextArch, def models.AWDConfig, head bool, o []fastnb.LearnerOption) (fastnb.LearnerConfig, *modelConfig, error) {
	cfg := fastnb.Configure(o...)
	c := &modelConfig{Arch: arch.Name, dropMult: 1, Regularisation: models.Regularisation{Alpha: 2, Beta: 1}, TextHead: models.TextHead{BPTT: 70, MaxLen: 1400}}
	switch {
	case d == nil:
		return cfg, c, fmt.Errorf("fastnb: %s: no data given", verb)
	case d.Vocab == nil:
		return cfg, c, fmt.Errorf("fastnb: %s: the data has no vocabulary: it is not of texts", verb)
	case arch != models.AWDLSTM:
		return cfg, c, fmt.Errorf("fastnb: %s: architecture %q is not known (try models.AWDLSTM)", verb, arch)
	}
	rest := cfg.Extra[:0:0]
	for _, e := range cfg.Extra {
		switch e := e.(type) {
		case modelOption:
			if e.head && !head {
				return cfg, c, headless(verb, e.name)
			}
			e.apply(c)
		case fastnb.ModelOption:
			if e.Name != "Pretrained" && !head {
				return cfg, c, headless(verb, e.Name)
			}
			switch e.Name {
			case "Pretrained":
				c.pretrained = &e.Pretrained
			case "PS":
				c.PS = e.PS
			case "LinFtrs":
				c.LinFtrs = e.LinFtrs
			}
		default:
			rest = append(rest, e)
		}
	}
	cfg.Extra = rest
	if c.files != nil && c.pretrained != nil && !*c.pretrained {
		return cfg, c, fmt.Errorf("fastnb: %s: option PretrainedFiles has no effect with Pretrained(false) (try one of them)", verb)
	}
	c.Words, c.AWDConfig = d.Vocab.Len(), def
	if c.given != nil {
		c.AWDConfig = *c.given
	}
	c.AWDConfig = c.AWDConfig.DropMult(c.dropMult)
	if c.clip > 0 {
		cfg.Callbacks = append(cfg.Callbacks, fastnb.GradientClipping(c.clip))
	}
	return cfg, c, nil
}

// headless is the error of an option about a head that a language model does not have.
func headless(verb, option string) error {
	return fmt.Errorf("fastnb: %s: option %s has no effect on a language model, which has no classifier's head (try it with TextClassifierLearner)", verb, option)
}

// finish makes the learner.
func finish(d *data.DataBunch, m nn.Layer, groups [][]*nn.Param, e *models.AWDEncoder, prefix, kind string, c *modelConfig, cfg fastnb.LearnerConfig, frozen bool) (*TextLearner, error) {
	js, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("fastnb: %s learner: %w", kind, err)
	}
	l, err := fastnb.NewConfigured(d, m, groups, &fastnb.ArchSpec{Kind: kind, Name: c.Arch, Config: js}, cfg)
	if err != nil {
		return nil, err
	}
	if frozen {
		if err := l.Freeze(); err != nil {
			return nil, err
		}
	}
	return &TextLearner{Learner: l, encoder: e, prefix: prefix}, nil
}
