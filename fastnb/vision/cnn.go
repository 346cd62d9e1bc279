package vision

import (
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// buildCNN makes the network that a configuration describes, with fresh weights drawn from the
// seed, and its layer groups.
func buildCNN(arch models.Arch, c cnnConfig) (*nn.Sequential, [][]*nn.Param, error) {
	net, err := models.CNN(arch, c.Classes, c.HeadOptions, nn.NewRNG(data.CurrentSeed()))
	if err != nil {
		return nil, nil, err
	}
	return net, models.Groups(arch, net), nil
}
