package vision

import (
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// buildCNN makes the network that a configuration describes, with weights drawn from rng, and its layer
// groups.
func buildCNN(arch models.Arch, c cnnConfig, rng *nn.RNG) (*nn.Sequential, [][]*nn.Param, error) {
	net, err := models.CNN(arch, c.Classes, c.HeadOptions, rng)
	if err != nil {
		return nil, nil, err
	}
	return net, models.Groups(arch, net), nil
}
