// Package datasets brings data onto the disk: a catalogue of data sets with their addresses and
// checksums, the downloader, safe unpacking, and generators that draw a stand-in (a "twin") where the
// real thing cannot be had.
//
// It is a leaf: it imports nothing of ours but cell (progress bars, interrupts). Start with [GetData]:
//
//	path, err := datasets.GetData("planet", datasets.Tiles(320))
//
// It looks, in this order, for the folder data/planet that is there already; for planet.tgz in the
// folder or at the address that FASTNB_MIRROR names; and for the data set's own address. With
// FASTNB_OFFLINE=1 nothing is fetched, and the twin is drawn into data/planet-twin instead. What is
// downloaded is checked, unpacked beside its place and moved there whole, so that an interrupted run
// leaves no half a data set. [Source] tells later where a folder's content came from.
//
// Everything lives under FASTNB_HOME, by default ~/.fastnb: data sets in data/, weights in models/.
// A relative FASTNB_HOME or FASTNB_MIRROR counts from the folder in which the process started.
package datasets
