package config

// Whose are the lists of settings by who gives them.
func Whose() [][]string { return [][]string{ofEach, takenFromTop, ofProcess} }
