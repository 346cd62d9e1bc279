// Package models holds architectures by name, the heads put on them, and readers for pretrained
// weights.
//
// It stands in the lower storey, above nn; it knows neither data nor learners.
package models
