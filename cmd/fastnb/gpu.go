package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
)

func gpuCommand() *cobra.Command {
	c := &cobra.Command{Use: "gpu", Short: "Look at the graphics card, and test it"}
	c.AddCommand(gpuInfoCommand(), gpuProductsCommand(), selftestCommand())
	return c
}

func gpuInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "info", Short: "List the devices, and say which one learners take and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return gpuInfo(cmd.OutOrStdout()) },
	}
}

func gpuInfo(w io.Writer) error {
	for _, f := range device.List() {
		fmt.Fprintln(w, f)
		if f.Err != nil && !errors.Is(f.Err, device.ErrNotFound) {
			fmt.Fprintf(w, "           %s\n", strings.ReplaceAll(f.Err.Error(), "\n", "\n           "))
		}
	}
	dev, err := device.Open("")
	if err != nil {
		return err
	}
	defer func() { _ = dev.Close() }()
	fmt.Fprintln(w, "learners take", device.Describe(dev))
	return nil
}

// deviceLine describes a device in a line.
func deviceLine(dev device.Device) string {
	i := dev.Info()
	var parts []string
	if i.Card != "" {
		parts = append(parts, i.Card)
	}
	if i.Memory > 0 {
		parts = append(parts, fmt.Sprintf("%.1f GB, %.1f GB free", float64(i.Memory)/1e9, float64(dev.FreeMemory())/1e9))
	}
	if len(i.Mixed) > 0 {
		parts = append(parts, fmt.Sprintf("mixed precision %v", i.Mixed))
	}
	return strings.Join(parts, ", ")
}

func gpuProductsCommand() *cobra.Command {
	var name, only string
	var precision []string
	var seconds float64
	c := &cobra.Command{
		Use: "products", Args: cobra.NoArgs,
		Short: "Time every product of the known networks by every tile that the card has",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dev, err := device.Open(name)
			if err != nil {
				return err
			}
			defer func() { _ = dev.Close() }()
			card, ok := device.Base(dev).(*gpu.Device)
			if !ok {
				return fmt.Errorf("fastnb: gpu products: %s is no card (try --device cuda or opencl)", dev.Info().Name)
			}
			for _, p := range precision {
				kind, err := precisionOf(p)
				if err != nil {
					return err
				}
				if err := gpu.BenchProducts(card, kind, only, seconds, cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&name, "device", "", "device: cuda, cuda:1, opencl (default: FASTNB_DEVICE, or the best one)")
	f.StringVar(&only, "only", "", "of one network: square, resnet34, unet, resnet50, awd-lstm, or tiny: a few small ones")
	f.StringSliceVar(&precision, "precision", []string{"f16"}, "precisions: f32, f16, bf16")
	f.Float64Var(&seconds, "seconds", .005, "time of a measurement")
	return c
}
