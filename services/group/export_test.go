package group

// ResealAll seals once what is sealed otherwise.
var ResealAll = reseal
