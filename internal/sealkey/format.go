// Package sealkey holds the format of the seal key files of Bongsu.
package sealkey

import "github.com/bongsu-project/bongsu/kit/seal"

// Format is the format of seal key files: their names never change, because stored files and
// fingerprints contain them.
var Format = seal.FileFormat{
	VersionField: "bongsuSealKey",
	Label:        "bongsu fingerprints",
	Command:      "bongsu seal-key make",
}
