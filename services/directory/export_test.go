package directory

// ResealAll reseals all addresses once.
var ResealAll = resealOnce
