package datasets

import (
	"path"
	"strings"
)

// URL is a data set of the catalogue, or one of the reader's own: URL{Address: "https://…/flowers.tgz"}.
type URL struct {
	Name    string // of the folder and of the archive in a mirror; default the address' last part
	Address string // of the archive; "" when it cannot be fetched without an account
	Size    int64  // of the archive in bytes; 0 = not checked
	MD5     string // of the archive's first MiB; "" = not checked
	Manual  string // how to get it by hand where there is no address
	Note    string // one line for lists
}

// name is Name, or what the address ends in.
func (u URL) name() string {
	if u.Name != "" {
		return u.Name
	}
	base := path.Base(strings.SplitN(u.Address, "?", 2)[0])
	for _, ext := range []string{".tgz", ".tar.gz", ".tar", ".zip", ".7z"} {
		base = strings.TrimSuffix(base, ext)
	}
	return base
}

const (
	fastAI   = "https://s3.amazonaws.com/fast-ai-"
	examples = "https://files.fast.ai/data/examples/"
)

// URLs are the data sets and models the lessons use, with the sizes and checksums that fastai 1.0.61
// lists for them (its check, too, is the size and the MD5 sum of the first MiB).
var URLs = struct {
	Planet, PlanetSample, PlanetTiny, CamVid, CamVidTiny, BiwiHeadPose, BiwiSample,
	IMDB, IMDBSample, WikiText103, WikiText2, MNISTTiny, Pets, Bears, WT103Fwd, WT103Bwd URL
}{
	Planet: URL{Name: "planet", Note: "satellite tiles of the Amazon with 17 tags (Kaggle account needed)", Manual: kagglePlanet},
	PlanetSample: URL{
		"planet_sample", examples + "planet_sample.tgz", 15523994,
		"8bfb174b3162f07fbde09b54555bdb00", "", "1,000 of the Planet tiles",
	},
	PlanetTiny: URL{
		"planet_tiny", examples + "planet_tiny.tgz", 997569,
		"490873c5683454d4b2611fb1f00a68a9", "", "200 of the Planet tiles, small",
	},
	CamVid: URL{
		"camvid", fastAI + "imagelocal/camvid.tgz", 598913237,
		"648371e4f3a833682afb39b08a3ce2aa", "", "street scenes with a class for every pixel",
	},
	CamVidTiny: URL{
		"camvid_tiny", examples + "camvid_tiny.tgz", 2314212,
		"2cf6daf91b7a2083ecfa3e9968e9d915", "", "100 street scenes, 128x96",
	},
	BiwiHeadPose: URL{
		"biwi_head_pose", fastAI + "imagelocal/biwi_head_pose.tgz", 452316199,
		"00f4ccf66e8cba184bc292fdc08fb237", "", "heads with the position of their centre",
	},
	BiwiSample: URL{
		"biwi_sample", examples + "biwi_sample.tgz", 593774,
		"9179f4c1435f4b291f0d5b072d60c2c9", "", "200 of the heads",
	},
	IMDB: URL{
		"imdb", fastAI + "nlp/imdb.tgz", 144440600,
		"90f9b1c4ff43a90d67553c9240dc0249", "", "film reviews, good and bad",
	},
	IMDBSample: URL{
		"imdb_sample", examples + "imdb_sample.tgz", 571827,
		"0842e61a9867caa2e6fbdb14fa703d61", "", "1,000 of the reviews in one table",
	},
	WikiText103: URL{
		"wikitext-103", fastAI + "nlp/wikitext-103.tgz", 190200704,
		"2dd8cf8693b3d27e9c8f0a7df054b2c7", "", "100 million words of Wikipedia",
	},
	WikiText2: URL{
		"wikitext-2", fastAI + "nlp/wikitext-2.tgz", 4070055,
		"2a82d47a7b85c8b6a8e068dc4c1d37e7", "", "2 million words of Wikipedia",
	},
	MNISTTiny: URL{
		"mnist_tiny", examples + "mnist_tiny.tgz", 342207,
		"56143e8f24db90d925d82a5a74141875", "", "digits 3 and 7",
	},
	Pets: URL{
		"oxford-iiit-pet", fastAI + "imageclas/oxford-iiit-pet.tgz", 811706944,
		"e4db5c768afd933bb91f5f594d7417a4", "", "cats and dogs of 37 breeds",
	},
	Bears: URL{Name: "bears", Note: "three kinds of bears, which the reader gathers", Manual: bearsByHand},
	WT103Fwd: URL{
		"wt103-fwd", fastAI + "modelzoo/wt103-fwd.tgz", 105067061,
		"7d1114cd9684bf9d1ca3c9f6a54da6f9", "", "language model trained on WikiText-103",
	},
	WT103Bwd: URL{
		"wt103-bwd", fastAI + "modelzoo/wt103-bwd.tgz", 105205312,
		"20b06f5830fd5a891d21044c28d3097f", "", "the same, reading backwards",
	},
}

const kagglePlanet = `it comes from Kaggle and needs an account of yours that has accepted the competition's rules. With Kaggle's client:
  kaggle competitions download -c planet-understanding-the-amazon-from-space -f train-jpg.tar.7z -p %[1]s
  kaggle competitions download -c planet-understanding-the-amazon-from-space -f train_v2.csv -p %[1]s
then unpack both there`

const bearsByHand = `nobody publishes it: lesson 2 has you gather it. Make the folders black, grizzly and teddys in %[1]s and put pictures of each into them`

// Catalogue lists the data sets of URLs, in the order of the lessons.
func Catalogue() []URL {
	u := &URLs
	return []URL{
		u.Planet, u.PlanetSample, u.PlanetTiny, u.CamVid, u.CamVidTiny, u.BiwiHeadPose, u.BiwiSample,
		u.IMDB, u.IMDBSample, u.WikiText103, u.WikiText2, u.MNISTTiny, u.Pets, u.Bears, u.WT103Fwd, u.WT103Bwd,
	}
}

// lookup finds a data set by name; a name the catalogue lacks has no address, but may be in a mirror.
func lookup(name string) (u URL, known bool) {
	for _, u := range Catalogue() {
		if u.Name == name {
			return u, true
		}
	}
	return URL{Name: name}, false
}
