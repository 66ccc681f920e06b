package cli

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// envPrefix is the prefix of environment variables that set flags.
const envPrefix = "BONGSU_"

// unknownVariables returns the names of environment variables with the prefix that set
// no flag of any command, such as misspelt ones. Values are left out: they may be
// secrets.
func unknownVariables(model *kong.Application, environment []string) []string {
	known := map[string]bool{}
	for _, leaf := range model.Leaves(false) {
		for _, flags := range leaf.AllFlags(false) {
			for _, flag := range flags {
				for _, name := range flag.Envs {
					known[name] = true
				}
			}
		}
	}
	var unknown []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix) && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}
