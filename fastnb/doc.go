// Package fastnb is the vocabulary of training: the learner, its schedules, callbacks, metrics and
// recorder, saving and loading.
//
// It is the middle storey. Below it stand data (what is learned from), engine (one model on one
// device), nn and models; above it vision and text, which make learners for their kinds of data, and
// the kernel, which shows these names to notebook cells. It may import the packages below and the
// leaves cell, datasets and plotting, never those above.
//
// The walk of a batch: [data.DataBunch] hands out batches; [Learner.Fit] runs each through the engine
// (forward, loss, backward), lets callbacks look on, steps the optimizer with the schedule's rates,
// and tells the [Recorder]. After an epoch the validation set gives the loss and the metrics of the
// table's next row.
package fastnb
