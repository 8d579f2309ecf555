package identity

import "strings"

// deviceWords says in words what a browser says of itself: "Firefox on Linux".
// The header is believed for showing to its owner, and nothing else; what is kept
// are words of ours.
func deviceWords(agent string) string {
	if len(agent) > 1024 {
		agent = agent[:1024]
	}
	browser, system := pickWord(agent, browsers, "A browser"), pickWord(agent, systems, "an unknown system")
	return browser + " on " + system
}

// word is what a part of the header stands for.
type word struct{ part, says string }

// Every browser claims to be others, so that the order decides.
var (
	browsers = []word{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"},
		{"Version/", "Safari"}, {"curl/", "curl"},
	}
	systems = []word{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Macintosh", "Mac"}, {"Linux", "Linux"},
	}
)

func pickWord(agent string, list []word, other string) string {
	for _, w := range list {
		if strings.Contains(agent, w.part) {
			return w.says
		}
	}
	return other
}
