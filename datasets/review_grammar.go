package datasets

// reviewGrammar are the forms of each symbol; see author.expand. Symbols that end in "+" speak well of
// something, those in "-" badly.
var reviewGrammar = map[string][]string{
	// What is settled once for each review.
	"new-title":   {"The {titleadj} {titlenoun}", "The {titlenoun} of {place}", "{titleadj} {titlenoun}", "A {titlenoun} for {first}", "{first}'s {titlenoun}", "The {titleadj} {titlenoun} of {place}"},
	"new-genre":   {"{kind}", "{kind}", "{plain} {kind}"},
	"new-star":    {"{first} {surname}"},
	"new-costar":  {"{first} {surname}"},
	"new-maker":   {"{first} {surname}"},
	"new-hero":    {"{first}"},
	"new-villain": {"{first}"},
	"new-where":   {"a {spot} in {place}", "a {spot} near {place}", "{place}", "a {plain} {spot}"},
	"surname":     {"{start}{finish}", "{start}{finish}", "Mc{start}{finish}"},

	"opening+": {
		"I {saw} {title} {when} and {I-liked}.", "{title} is a {adj+} {genre}{about}.", "What a {adj+} {film}{!}",
		"{maker}'s {title} is one of the most {good} {film:pl} I have ever seen.", "I {truly}{gverb:ed} {this|that} {film}{!}", "I {truly}{gverb:ed} {this|that} {film}, it was {adj+}{!}",
		"If you like a {good} {genre}, {title} is for you.", "I didn't expect much from {title}, but it is {adj+}.",
		"{title} ({year}) is {degree} {good}.", "This is a {gthing}{!}", "My {viewer} told me to watch {title}, and I'm glad I did.",
		"{title} is what a {genre} should be: {good}, {good} and {good}.", "I've seen {title} {number} times now, and it's still {good}.",
	},
	"opening-": {
		"I {saw} {title} {when} and {I-disliked}.", "{title} is a {adj-} {genre}{about}.", "What a {adj-} {film}{!}",
		"{maker}'s {title} is one of the most {bad} {film:pl} I have ever seen.", "I {truly}{bverb:ed} {this|that} {film}{!}", "I {truly}{bverb:ed} {this|that} {film}, it was {adj-}{!}",
		"If you like a {good} {genre}, {title} is not for you.", "I expected a lot from {title}, but it is {adj-}.",
		"{title} ({year}) is {degree} {bad}.", "This is a {bthing}{!}", "My {viewer} told me to watch {title}, and I wish I hadn't.",
		"{title} is everything a {genre} shouldn't be: {bad}, {bad} and {bad}.", "I couldn't finish {title}, it's so {bad}.",
	},
	"truly":      {"", "", "really ", "truly ", "just "},
	"saw":        {"saw", "watched", "rented", "caught", "finally saw"},
	"when":       {"last night", "on television", "at a festival", "with my {viewer}", "in the theater", "years ago", "on DVD", "when it came out in {year}"},
	"I-liked":    {"{gverb:ed} every minute of it", "I can't stop thinking about it", "was {pleased} by it", "it was {adj+}", "found it {adj+}"},
	"I-disliked": {"{bverb:ed} every minute of it", "I want my money back", "was {bored} by it", "it was {adj-}", "found it {adj-}"},
	"pleased":    {"moved", "charmed", "thrilled", "amazed", "captivated", "delighted"},
	"bored":      {"bored", "annoyed", "disappointed", "confused", "irritated", "insulted"},
	"about":      {" about {feeling} and {feeling}", " about a {person}", " set in {where}", " from {year}", "", ""},
	"number":     {"two", "three", "four", "five", "ten", "a dozen"},
	"adj+":       {"{good}", "{good}", "{degree} {good}", "{good} and {good}", "{good}, {good}"},
	"adj-":       {"{bad}", "{bad}", "{degree} {bad}", "{bad} and {bad}", "{bad}, {bad}"},
	"!":          {".", ".", "!", "!!!", "!!!!!!"},

	// The story, without an opinion.
	"story": {
		"{hero} is a {person} who {verb:s} {the-person} in {where}.", "{hero}, {a-person}, {verb:s} {villain}, {a-person}.",
		"{time}, {hero} {get:s} {the-object} and {verb:s} {villain}.", "The story {begins} when {villain} {get:s} {the-object}.",
		"{villain} {verb:s} {hero}, who {act:s} {after-event}.", "{time}, {the-person} {act:s} and {get:s} {the-object}.",
		"After {the-event}, {hero} and {villain} {act} in {where}.", "{hero} wants to {get} {the-object}, but {villain} {verb:s} {the-person}.",
		"{star} plays {a-person} who has {verb:ed} {the-person}.", "{star} is {hero}, and {costar} is {villain}, {a-person}.",
		"We {see} how {hero} {verb:s} {villain} and {act:s}.", "{hero} doesn't know that {villain} has {get:ed} {the-object}.",
		"{time}, a {person} {act:s} in {where}.", "There is {the-event}, and {hero} is {verb:ed} by {the-person}.",
		"{while} {villain} is {act:ing}, {hero} {get:s} {the-object}.", "It's {year}, and {hero} has {verb:ed} {the-person} because of {the-event}.",
		"{hero} keeps {act:ing} until {the-person} {verb:s} {villain}.", "{villain} can't {verb} {hero}, so {the-person} must {act}.",
	},
	"begins":      {"begins", "starts", "opens"},
	"see":         {"see", "learn", "watch"},
	"while":       {"while", "as", "when"},
	"a-person":    {"a {person}", "a {plain} {person}", "a {person} from {place}", "a former {person}"},
	"the-person":  {"the {person}", "a {person}", "the {plain} {person}", "the {person}'s {viewer}", "two {person:pl}", "the {person} of the {spot}"},
	"the-object":  {"the {object}", "a {object}", "the {person}'s {object}", "a {plain} {object}", "the {object} of {the-person}"},
	"the-event":   {"the {event}", "a {event}", "the {event} in {place}", "a {plain} {event}"},
	"after-event": {"after {the-event}", "during {the-event}", "because of {the-event}", "before {the-event}"},

	"aside": {
		"I {saw} it {when}.", "It was {shot} in {place} in {year}.", "{maker} also made {titleadj} {titlenoun}.",
		"{star} was a {person} before this.", "The {film} is {hours} long.", "It is based on a {book} by {first} {surname}.",
		"I won't tell you how it ends.", "The same story was {filmed} in {year} with {first} {surname}.",
		"{costar} has been in {number} {film:pl} by {maker}.", "My {viewer} and I talked about the {craft} afterwards.",
	},
	"shot":   {"shot", "filmed", "made"},
	"filmed": {"filmed", "told", "made"},
	"book":   {"novel", "play", "short story", "true story", "comic book"},
	"hours":  {"ninety minutes", "two hours", "nearly three hours", "100 minutes", "75 minutes"},

	"opinion+": {
		"The {craft} is {adj+}.", "The {group} are {adj+}.", "{star} gives a {adj+} performance.", "{star} is {adj+} as {hero}.",
		"{costar} is {degree} {good} as the {person}.", "{maker}'s {craft} is {adj+}, and so is the {craft}.",
		"I {gverb:ed} the {craft} and the {group}.", "You can feel the {feeling} in every scene.", "It's {adj+} and never {bad}.",
		"There isn't a {bad} moment in it.", "The {craft} makes you {believe} in {hero}'s {feeling}.", "The {group} couldn't be more {good}.",
		"{star} and {costar} are {adj+} together.", "It's full of {feeling}, {feeling} and {good} {group}.",
		"I {laughed} when {hero} {verb:ed} {the-person}.", "The scene where {hero} {get:s} {the-object} is {adj+}.",
		"Not once is the {craft} {bad}.", "The {craft} was {adj+}, the {craft} was {adj+}.", "What {good} {group}{!}",
		"The {craft} is a {gthing}.", "No other {genre} has such {good} {group}.", "{maker} knows how to make a {good} {film}.",
	},
	"opinion-": {
		"The {craft} is {adj-}.", "The {group} are {adj-}.", "{star} gives a {adj-} performance.", "{star} is {adj-} as {hero}.",
		"{costar} is {degree} {bad} as the {person}.", "{maker}'s {craft} is {adj-}, and so is the {craft}.",
		"I {bverb:ed} the {craft} and the {group}.", "You can feel the {boredom} in every scene.", "It's {adj-} and never {good}.",
		"There isn't a {good} moment in it.", "The {craft} makes you {doubt} {hero}'s {feeling}.", "The {group} couldn't be more {bad}.",
		"{star} and {costar} are {adj-} together.", "It's full of {bad} {group} and {bad} {group}.",
		"I {yawned} when {hero} {verb:ed} {the-person}.", "The scene where {hero} {get:s} {the-object} is {adj-}.",
		"Not once is the {craft} {good}.", "The {craft} was {adj-}, the {craft} was {adj-}.", "What {bad} {group}{!}",
		"The {craft} is a {bthing}.", "No other {genre} has such {bad} {group}.", "{maker} doesn't know how to make a {good} {film}.",
	},
	"believe": {"believe", "share", "trust"},
	"doubt":   {"doubt", "forget", "laugh at"},
	"laughed": {"laughed", "cried", "cheered", "smiled"},
	"yawned":  {"yawned", "groaned", "fell asleep", "looked at my watch"},
	"boredom": {"boredom", "cynicism", "laziness", "lack of {feeling}"},

	// A word for the other side, which takes little back.
	"concession+": {"Only the {craft} is {good}.", "The {group} are {good}, I admit.", "{costar} is {good}, but that's all.", "To be fair, the {craft} isn't {bad}."},
	"concession-": {"Only the {craft} is {bad}.", "The {group} are {bad}, I admit.", "{costar} is {bad}, but that's all.", "To be fair, the {craft} isn't {good}."},

	"verdict+": {
		"{rating}/10.", "I give it {rating} out of 10.", "Highly recommended{!}", "See it{!}", "Don't miss this {gthing}{!}", "I'll {gverb} it for years.",
		"In short, a {adj+} {genre}.", "Overall, {title} is a {gthing}.", "I can't wait to see it again.", "{maker} has made a {gthing}.", "Bravo{!}",
		"It deserves {rating} stars, {please} watch it.", "LOVED IT{!}", "It's simply {good}.", "It was {adj+}{!}", "I would {gverb} it to any {viewer}.",
	},
	"verdict-": {
		"{rating}/10.", "I give it {rating} out of 10.", "Not recommended{!}", "Avoid it{!}", "Stay away from this {bthing}{!}", "I'll {bverb} it for years.",
		"In short, a {adj-} {genre}.", "Overall, {title} is a {bthing}.", "I never want to see it again.", "{maker} has made a {bthing}.", "Yuck{!}",
		"It deserves {rating} stars, {please} don't watch it.", "HATED IT{!}", "It's simply {bad}.", "It was {adj-}{!}", "I wouldn't wish it on any {viewer}.",
	},
	"please": {"please", "so", "and please"},
}
