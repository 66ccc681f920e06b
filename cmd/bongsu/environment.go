package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// envPrefix begins the names of the environment variables that are twins of flags.
const envPrefix = "BONGSU_"

// unknownVariables returns the names in an environment that begin as those of twins do
// and are twins of no command's flag, such as misspelt ones. Their values may be secrets.
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
