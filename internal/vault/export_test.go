package vault

// Spender counts the bodies that a search in running text reads.
var Spender = spender
