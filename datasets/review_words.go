package datasets

import "strings"

// The words of generated film reviews. A list is one string, words with blanks between, "_" for a blank
// inside a word.

func wordList(s string) []string {
	w := strings.Fields(s)
	for k := range w {
		w[k] = strings.ReplaceAll(w[k], "_", " ")
	}
	return w
}

// reviewWords are the lists that the grammar's symbols name.
var reviewWords = map[string][]string{
	"good": wordList(`absorbing admirable affecting amazing assured atmospheric awesome beautiful believable bold brave breathtaking
		bright brilliant captivating charming classy clever coherent compelling confident convincing daring dazzling deep
		delicate delightful dignified dynamic earnest effective electrifying elegant eloquent emotional enchanting engaging
		enjoyable entertaining exceptional exciting exhilarating exquisite extraordinary fabulous fascinating fine flawless
		fresh fun funny generous gentle genuine gorgeous graceful great gripping haunting heartfelt heartwarming hilarious
		honest human hypnotic imaginative immaculate impeccable impressive incredible ingenious innovative insightful
		inspired intelligent intense intimate inventive joyful judicious lavish likable lively lovely luminous lyrical
		magical magnificent marvelous masterful memorable mesmerizing moving nuanced original outstanding perceptive perfect
		playful poetic poignant polished powerful precious profound provocative radiant refined refreshing remarkable
		resonant rewarding rich riveting sensitive sharp sincere smart soulful spectacular spellbinding spirited splendid
		stirring striking stunning sublime subtle superb surprising suspenseful sweet tender terrific thoughtful thrilling
		timeless touching triumphant underrated unforgettable uplifting vibrant vivid warm whimsical wise witty wonderful
		wondrous`),
	"bad": wordList(`abysmal aimless amateurish annoying appalling atrocious awful awkward bland bloated boring botched brainless
		cheap cheesy chaotic choppy clumsy clunky confused confusing contrived cringeworthy crude cynical dated deadening
		dire disappointing disgraceful disjointed dismal drab dreadful dreary dull dumb embarrassing empty endless excruciating
		exhausting feeble flat flimsy forced forgettable formulaic frustrating garbled ghastly grating half-baked
		ham-fisted heavy-handed hideous hollow hopeless horrendous horrible humorless idiotic implausible incoherent
		incompetent inept inane infuriating insipid insufferable insulting irritating jumbled laborious lackluster laughable
		lazy leaden lifeless limp listless lousy ludicrous manipulative meandering mediocre mindless miserable mishandled
		monotonous moronic muddled mundane nauseating nonsensical obnoxious obvious overblown overlong overrated painful
		pathetic pedestrian plodding pointless ponderous poor predictable preposterous pretentious pitiful puerile repetitive
		ridiculous rushed sappy schmaltzy senseless shabby shallow shameless shoddy sloppy sluggish stale stiff stilted
		stupid superficial tacky tasteless tedious terrible tiresome toothless trite turgid ugly unbearable unbelievable
		unconvincing underwhelming uneven unfunny uninspired uninvolving unoriginal unwatchable vapid wasted weak wooden
		worthless wretched`),
	"plain": wordList(`American British French Italian Japanese German Swedish Korean black-and-white quiet long short
		small old big independent low-budget period rural urban modern recent second third final opening central
		strange dark odd familiar typical silent foreign classic contemporary political historical personal
		domestic famous unknown local military religious`),
	"degree": wordList(`absolutely almost always completely consistently deeply entirely extremely fairly genuinely hardly
		incredibly just mostly never_less_than nothing_but often particularly positively pretty quite rather really simply
		so terribly thoroughly totally truly utterly very`),
	"craft": wordList(`acting art_direction atmosphere camerawork casting choreography cinematography climax costume_design
		dialogue direction editing ending humor lighting makeup mood music narration pacing photography plot premise
		production_design score screenplay script set_design sound story storytelling subplot tone visual_style voice-over
		writing`),
	"group": wordList(`action_scenes cameos characters chase_scenes costumes dialogues dream_sequences effects fight_scenes
		flashbacks jokes locations love_scenes one-liners performances plot_twists relationships sets songs stunts
		supporting_roles themes`),
	"kind": wordList(`drama comedy thriller western musical romance mystery documentary satire biopic melodrama farce fable
		epic horror_film war_film crime_story road_movie ghost_story costume_drama coming-of-age_story science_fiction_film
		film_noir spy_film sports_film animated_film monster_movie courtroom_drama heist_film fairy_tale`),
	"film": wordList(`film movie picture flick feature production piece_of_work story adaptation remake sequel`),
	"viewer": wordList(`audience viewer critic fan friend wife husband brother sister mother father daughter son roommate
		colleague teacher neighbor girlfriend boyfriend cousin student`),
	"gthing": wordList(`gem treasure masterpiece triumph delight joy pleasure miracle classic winner work_of_art revelation
		treat success must-see knockout jewel landmark tour_de_force marvel`),
	"bthing": wordList(`mess disaster failure waste_of_time bore joke turkey disappointment insult stinker train_wreck chore
		flop embarrassment misfire travesty fiasco snoozefest dud letdown`),
	"gverb": wordList(`adore admire love enjoy cherish appreciate recommend treasure remember praise celebrate applaud`),
	"bverb": wordList(`hate loathe despise detest regret resent dislike curse condemn mock endure suffer`),
	"first": wordList(`Adam Agnes Albert Alice Amelia Andrew Anna Anton Arthur Audrey Barbara Beatrice Benjamin Bernard Boris
		Camille Carla Carmen Catherine Cecil Charlotte Claire Clara Conrad Cora Daisy Daniel David Diana Dora Edgar Edith
		Edward Eleanor Elena Eliza Emil Emma Eric Ernest Esther Ethel Eugene Eva Felix Fiona Florence Frances Frank Fred
		George Gloria Grace Greta Gustav Harold Harriet Hazel Hector Helen Henry Hilda Horace Hugo Ida Irene Iris Isaac
		Ivan Jack Jacob James Jane Jasper Joan Josef Judith Julia Karl Kate Laura Lena Leon Leonard Lillian Louis Lucy
		Mabel Magda Marcel Margaret Maria Martin Max Mildred Miriam Mona Nathan Nina Nora Norman Oliver Olga Oscar Otto
		Pablo Patricia Paul Pauline Peter Philip Quentin Rachel Ralph Raymond Rita Robert Rosa Rupert Ruth Sam Sarah Sidney
		Silvia Simon Sofia Stella Susan Sylvester Theodore Thomas Ursula Vera Victor Vincent Viola Walter Wanda Wilbur
		William Xavier Yvonne Zelda`),
	"place": wordList(`Paris London Berlin Rome Vienna Chicago Boston Brooklyn Texas Alaska Havana Cairo Tokyo Naples Lisbon
		Moscow Dublin Montana Kansas Nebraska Arizona Shanghai Bombay Prague Madrid Athens Oslo Venice Glasgow Manhattan
		Marseille Hamburg Warsaw Budapest Istanbul Casablanca Tangier Rio Buenos_Aires New_Orleans San_Francisco
		Mexico Louisiana Vermont Oregon`),
	"spot": wordList(`village farm harbor island castle monastery mansion hospital prison school circus theater hotel factory
		railway_station lighthouse mountain_cabin fishing_town desert_outpost mining_camp boarding_house newspaper_office
		department_store ocean_liner research_station orphanage vineyard court_house police_station bakery library museum
		suburb nightclub diner garage`),
	"person": wordList(`accountant actor architect banker barber beggar bishop boxer butcher butler captain carpenter chef
		clerk clown composer con_man cook cowboy dancer dentist detective diplomat doctor driver farmer fisherman gambler
		gangster gardener general governess governor hairdresser hunter inspector inventor journalist judge king lawyer
		librarian lieutenant magician maid mayor mechanic merchant miner musician nanny nun nurse officer orphan painter
		pianist pickpocket pilot pirate poet policeman postman priest princess prisoner professor psychiatrist queen
		reporter sailor salesman scientist sculptor secretary sergeant sheriff shopkeeper singer smuggler soldier spy
		stranger surgeon swindler tailor teacher thief tourist trapper truck_driver undertaker violinist waiter waitress
		widow widower witch wrestler writer`),
	"object": wordList(`airplane album antique apple axe bank_note bell bicycle boat book bottle box bracelet bridge briefcase
		camera candle carriage chest clock coat code coffin crown diamond diary document dog door dress fortune gun hat
		horse house inheritance invention jewel key knife lamp letter locket machine manuscript map mask medal mirror
		mine money motorcycle necklace newspaper oil_well painting parcel passport photograph piano piano_lesson pistol
		poem potion prize puzzle radio ransom recipe restaurant ring rope saddle secret ship shop song statue suitcase
		sword symphony telegram telescope ticket train treasure trumpet truck umbrella uniform vase violin wagon watch
		will`),
	"event": wordList(`accident ambush anniversary auction avalanche battle birthday blackout burglary carnival confession
		concert conspiracy contest courtship divorce drought duel earthquake election engagement epidemic escape
		excavation execution expedition explosion famine feud fire flood funeral heist holiday hurricane inquest
		interrogation invasion journey kidnapping lawsuit marriage massacre murder mutiny operation parade party
		performance pilgrimage plot prison_break quarrel race rebellion rehearsal rescue reunion revolution riot
		robbery romance scandal seance shipwreck siege strike storm tournament trial voyage wedding`),
	"verb": wordList(`abandon accuse adopt aid arrest attack avoid bandage befriend betray blackmail bury calm challenge chase
		cheat comfort confront conquer convince defeat defend deceive discover disguise distrust dodge doubt embrace employ
		escort evict expose fear follow forget forgive greet guard guide hire hunt ignore impress imprison inform insult
		interrogate interview invite join kidnap kill kiss marry meet mistake mistreat mock murder nurse obey outsmart
		overhear pardon persuade photograph poison protect pursue question ransom recognize recruit rescue resemble reveal
		rob sack save seduce serve shadow shelter shoot slap smuggle spare summon support surprise suspect teach tempt
		threaten track train trick trust visit warn watch welcome`),
	"get": wordList(`admire auction borrow break build burn buy carry claim collect destroy discover drop examine find forge
		guard hide inherit keep lose mend need notice open own paint pawn pocket polish recover repair return sell smash
		smuggle steal swallow throw touch trade use want wear`),
	"act": wordList(`arrive awaken collapse complain confess dance decide despair disappear dream drown emigrate enlist escape
		faint gamble hesitate improvise laugh linger listen march panic perform pray recover rejoice resign retire retreat
		return sing starve struggle suffer surrender survive travel tremble vanish wait wander weep whistle work`),
	"time": wordList(`one_night the_next_morning years_later in_the_end at_first by_chance after_the_war before_the_wedding
		during_the_storm on_the_last_day at_midnight that_summer in_winter one_day soon_afterwards eventually meanwhile
		without_warning twenty_years_earlier on_Christmas_Eve after_a_long_journey during_the_trial`),
	"feeling": wordList(`anger anxiety boredom compassion courage curiosity despair dignity envy faith fear freedom friendship
		greed grief guilt happiness honor hope humor jealousy joy justice kindness loneliness longing loss love loyalty
		madness melancholy memory mercy nostalgia passion patience pity poverty power pride rage regret revenge sadness
		shame sorrow suspense tenderness tension terror tragedy trust warmth wisdom wonder`),
	"titleadj": wordList(`Silent Broken Golden Hidden Crimson Distant Last Lost Midnight Burning Frozen Empty Secret Wild Bitter
		Gentle Forgotten Falling Endless Savage Silver Winter Northern Hollow Restless Scarlet Stolen Waking Wicked Velvet`),
	"titlenoun": wordList(`River Garden Harbor Mirror Shadow Letter Promise Kingdom Orchard Bridge Stranger Hour Lantern Sparrow
		Island Horizon Station Carnival Winter Fortune Daughter Journey Captain Melody Window Paradise Thunder Widow Road
		Empire`),
	"start": wordList(`Ald Ash Bar Beck Bel Bran Brook Cald Car Cas Dal Dar Del Dun Ell Fair Far Fen Gar Gil Gran Hal Har
		Hart Hol Kel Ken Kirk Lam Lan Lin Lock Mal Mar Mel Mil Mor Nor Oak Pem Pen Quil Rad Ran Red Ros Sal San Sel Shel
		Stan Tal Tar Thorn Tor Val Van Wal War Wel Whit Win`),
	"finish": wordList(`bach berg bourne bury by dale don dorf elli er field ford gate ham hart hoven ini inski ley low man
		mann mont more ner nov off ov ridge rose sen ska ski son stein stone ström ton tti vale vich ville way well wick
		wood worth`),
}
