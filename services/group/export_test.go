package group

// ResealAll reseals all addresses once.
var ResealAll = resealOnce
